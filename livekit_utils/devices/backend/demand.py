"""DemandMeter: measures when a speaker takes sound, against an even flow."""

from __future__ import annotations

# Time after which what was measured begins to be forgotten; it is gone after twice that.
_FORGET_NS = 1_000_000_000

# A device fills its own buffers when it starts, and takes several blocks at once. After this time that is forgotten.
_START_NS = 100_000_000


class DemandMeter:
    """Draws two lines beside what a device takes: its samples are taken no earlier than the one and no later than the
    other.

    A device that takes `sample_rate` samples per second takes sample n at `start + n / sample_rate`, if the flow is
    even. `earliest_ns` and `latest_ns` are the least and the greatest such `start` of the last one or two seconds. They
    are equal for a device that takes each block in time. They are a burst apart for one that takes several blocks at
    once and then none, and a delay apart for one whose callbacks come late.

    Args:
        sample_rate: The device's.

    Threads: for one thread.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._num_taken = 0
        self._since: int | None = None  # when the newer part of the measurement began
        self._forget_ns = _START_NS
        self._earlier: tuple[int, int] | None = None  # earliest and latest of the older part
        self._lines = (0, 0)  # of the newer part

    def take(self, size: int, now_ns: int) -> tuple[int, int, int]:
        """Notes that the device takes `size` samples per channel.

        Returns:
            The samples per channel that it has taken so far with these, `earliest_ns` and `latest_ns`.
        """
        start = now_ns - self._num_taken * 1_000_000_000 // self._sample_rate
        self._num_taken += size
        if self._since is None:
            self._since, self._lines = now_ns, (start, start)
        elif now_ns - self._since > self._forget_ns:
            self._earlier = self._lines if self._forget_ns == _FORGET_NS else None
            self._since, self._forget_ns, self._lines = now_ns, _FORGET_NS, (start, start)
        else:
            self._lines = (min(self._lines[0], start), max(self._lines[1], start))
        if self._earlier is None:
            return self._num_taken, *self._lines
        return (
            self._num_taken,
            min(self._earlier[0], self._lines[0]),
            max(self._earlier[1], self._lines[1]),
        )
