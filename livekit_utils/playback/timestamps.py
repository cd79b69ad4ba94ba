"""Timestamps makes the timestamps of a stream count from the beginning of its file."""

from __future__ import annotations

from fractions import Fraction

# Timestamps that go back by more than this start over, as in files that were joined. Less is jitter and disorder.
_BACK_S = 1

# Timestamps that are later than the end of the stream by more than this are wrong. Where that end is not told, so are
# those that jump forward by more than `_JUMP_S`.
_BEYOND_S = 10
_JUMP_S = 600


class Timestamps:
    """Tells where in the file each frame lies, in seconds from its beginning.

    A frame without a timestamp follows the one before, and so does one whose timestamps start over or are wrong.

    Args:
        origin: The timestamp at which the file begins.
        told_end: The timestamp at which the stream ends by what the container says.
    """

    def __init__(self, origin: Fraction, told_end: Fraction | None) -> None:
        self.origin = origin
        self._latest = None if told_end is None else told_end + _BEYOND_S
        self.restart()

    def restart(self) -> None:
        """Forgets what came before: the next frame is from another place."""
        self._shift = -self.origin

    def place(self, timestamp: Fraction | None, expected: Fraction | None) -> Fraction:
        """Returns where a frame lies.

        Args:
            timestamp: Its timestamp.
            expected: Where the frame before it ends; None for the first one.
        """
        if timestamp is None:
            return Fraction(0) if expected is None else expected
        placed = self.shifted(timestamp)
        if expected is not None and (placed < expected - _BACK_S or self._is_beyond(placed, expected)):
            self._shift += expected - placed
            placed = expected
        return placed

    def shifted(self, timestamp: Fraction) -> Fraction:
        """Returns where a frame lies if its timestamp is not wrong."""
        return timestamp + self._shift

    def end(self, start: Fraction, duration: Fraction | None, usual: Fraction) -> Fraction:
        """Returns where a frame ends.

        Args:
            start: Where it begins.
            duration: Its duration in seconds, if the file tells it.
            usual: What it takes usually.
        """
        if not duration or duration < 0 or self._is_beyond(start + duration, start):
            return start + usual
        return start + duration

    def _is_beyond(self, placed: Fraction, expected: Fraction) -> bool:
        if self._latest is None:
            return placed > expected + _JUMP_S
        return placed > self._latest - self.origin
