"""Picture: a video frame on its way to the screen."""

from __future__ import annotations

from typing import Any


class Picture:
    """A video frame and its place on the timeline."""

    __slots__ = ("expected", "frame", "run", "time")

    def __init__(self, frame: Any, run: int, time: float | None) -> None:
        self.frame = frame
        self.run = run  # counts how often the timestamps have started over
        self.time = time  # None where it has no timestamp
        self.expected: float | None = None  # when it was to be shown, by the first look at it
