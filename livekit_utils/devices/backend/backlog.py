"""Backlog: finds the sound that a microphone gives much too late, after it stood still."""

from __future__ import annotations

# A microphone that gives nothing for this long, in nanoseconds, was held up; its sound may have been kept meanwhile.
_GAP_NS = 250_000_000

# What is kept and comes at once is dropped, down to what came so much later than usual.
_LAG_NS = 50_000_000

# After so many blocks that do not come at once, no sound was kept.
_NUM_IN_TIME = 3


class Backlog:
    """Tells sound that a microphone gives much too late, when it goes on after a stop, from what is new.

    A sound server keeps the sound of a client that does not take it, because its process or the machine was stopped,
    and then gives it all at once. To play it out would delay all that follows.

    Args:
        sample_rate: The microphone's.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._num_samples = 0
        self._last_ns: int | None = None
        self._start_ns = 0  # when sample 0 would have come, as the others did before the stop
        self._behind = False
        self._num_in_time = 0

    def is_stale(self, size: int, now_ns: int) -> bool:
        """Returns whether a block of `size` samples per channel that comes now is to be dropped."""
        self._num_samples += size
        start_ns = now_ns - self._num_samples * 1_000_000_000 // self._sample_rate
        if self._last_ns is None:
            self._last_ns, self._start_ns = now_ns, start_ns
            return False
        since_ns, self._last_ns = now_ns - self._last_ns, now_ns
        if since_ns > _GAP_NS:
            self._behind, self._num_in_time = True, 0
            since_ns = 0  # the first block is the oldest
        if not self._behind:
            # The earliest counts; a slow clock is followed.
            self._start_ns = min(start_ns, self._start_ns + max(1, (start_ns - self._start_ns) // 100))
            return False
        if start_ns - self._start_ns <= _LAG_NS:
            self._behind = False
        elif since_ns * self._sample_rate > size * 500_000_000:
            self._num_in_time += 1
            if self._num_in_time == _NUM_IN_TIME:  # what was not taken is lost
                self._behind, self._start_ns = False, start_ns
        else:
            return True
        return False
