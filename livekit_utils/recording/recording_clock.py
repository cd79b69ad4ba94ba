"""RecordingClock: tells the place in a recording that a time of the event loop has."""

from __future__ import annotations

import math


class RecordingClock:
    """Runs with the event loop's clock, from `start` on, less the pauses.

    Args:
        end_s: Where it stops for good, in seconds of recording.
    """

    def __init__(self, end_s: float = math.inf) -> None:
        self.end_s = end_s
        self._start: float | None = None
        self._paused_at: float | None = None

    @property
    def started(self) -> bool:
        return self._start is not None

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    def start(self, now: float) -> None:
        """Begins the recording at this time of the loop, in seconds."""
        self._start = now

    def position(self, now: float) -> float:
        """Returns the seconds of recording until this time of the loop; in a pause, until its beginning; 0 before the
        start."""
        if self._start is None:
            return 0.0
        return min((now if self._paused_at is None else self._paused_at) - self._start, self.end_s)

    def pause(self, now: float) -> None:
        """Stops the clock; in a pause, it does nothing."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """Ends the pause; without one, it does nothing."""
        if self._start is not None and self._paused_at is not None:
            self._start += now - self._paused_at
            self._paused_at = None
