"""CallOrder: tells streams that are called in step from streams that keep clocks of their own."""

from __future__ import annotations

# Converted blocks differ by so many samples from one to the next.
_ROUNDING = 2


class CallOrder:
    """Watches how far two streams are apart, in samples, each time that one of them is taken.

    Where one caller feeds both, as from files, the distance repeats from block to block. Where each stream comes by the
    clock of its device, it is soon off by another block, because of jitter, or at last because of drift. Only samples
    are counted, so the answer depends on no clock.
    """

    def __init__(self) -> None:
        self.in_step = True
        self._distance = 0
        self._least = self._most = 0
        self._block = 0  # the longest that arrived
        self._began = False

    def arrive(self, samples_per_channel: int) -> None:
        """Notes samples that came in."""
        self._distance += samples_per_channel
        self._block = max(self._block, samples_per_channel)

    def take(self, samples_per_channel: int) -> None:
        """Notes samples that are taken out."""
        self._distance -= samples_per_channel
        if not self._began:
            self._began = True
            self._least = self._most = self._distance
        self._least = min(self._least, self._distance)
        self._most = max(self._most, self._distance)
        if self._most - self._least > self._tolerated(samples_per_channel):
            self.in_step = False

    def _tolerated(self, taken: int) -> int:
        """Returns the range of the distance in step, and half of what one block more or less would add to it."""
        shorter, longer = sorted((self._block, taken))
        if not shorter:
            return longer
        rest = longer % shorter
        divides = min(rest, shorter - rest) <= _ROUNDING
        return self._block - shorter * divides + shorter // 2
