"""Laps tells where on the timeline each pass through a file lies."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Lap(NamedTuple):
    """One pass through a file: what lies at `start` in the file is played at `at` on the timeline. Both are seconds."""

    at: Fraction
    start: Fraction

    def place(self, seconds: Fraction) -> Fraction:
        """Returns where on the timeline a time of the file lies."""
        return self.at + seconds - self.start


class Laps:
    """The passes through a file whose pictures and sound are not equally long.

    Every pass takes as long as the longer of both, exactly: times are fractions, so that no number of passes drifts.
    How long that is shows when both have been decoded to their ends for the first time.

    Args:
        start: Seconds of the file at which every pass after the first begins.
        loop: Whether there is more than one pass.
    """

    def __init__(self, start: Fraction, loop: bool) -> None:
        self._start = start
        self._loop = loop
        self._ends: dict[str, Fraction] = {}
        self.end: Fraction | None = None
        """Where the file ends, in seconds of it; None until it is known."""
        self.is_broken = False
        """Whether something could not be decoded to its end. There is no further pass then."""

    def first(self, seconds: Fraction) -> Lap:
        """Returns the pass that begins at a time of the file. Its timeline begins with the same time."""
        return Lap(seconds, seconds)

    def restart(self) -> None:
        """Begins again after a seek. Ends of what could not be decoded to its end are forgotten."""
        if self.is_broken:
            self.is_broken = False
            self._ends.clear()
            self.end = None

    def note_end(self, kind: str, end: Fraction) -> None:
        """Notes where the pictures or the sound of the file end."""
        self._ends.setdefault(kind, end)
        if self.end is None and len(self._ends) == 2:
            self.end = max(self._ends.values())

    def after(self, lap: Lap) -> Lap | None:
        """Returns the pass after one; None if that was the last. Call it when the end is known."""
        assert self.end is not None
        if not self._loop or self.is_broken or self.end <= self._start:
            return None
        return Lap(lap.place(self.end), self._start)

    @property
    def repeats(self) -> bool:
        """Whether there is another pass, as far as is known."""
        return self._loop and not self.is_broken

    def content(self, at: Fraction) -> Fraction:
        """Returns the time of the file that is played at a time of the timeline."""
        if self.end is None or at <= self.end:
            return at
        if not self._loop or self.end <= self._start:
            return self.end
        return self._start + (at - self.end) % (self.end - self._start)
