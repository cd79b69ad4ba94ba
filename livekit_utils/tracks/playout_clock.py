"""PlayoutClock: when each sample of a source is played."""

from __future__ import annotations


class PlayoutClock:
    """A run of audio without a gap starts at some time, and from there on samples are counted.

    No time is ever added to another time sample by sample or timer by timer, so a run of days is as exact as its
    sample rate, however late each timer was. All times are those of one event loop, in seconds.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._start = float("-inf")
        self._num_samples = 0
        self._paused_at: float | None = None

    @property
    def end(self) -> float:
        """When the samples counted so far have been played, and the next one is due."""
        return self._start + self._num_samples / self._sample_rate

    @property
    def paused(self) -> bool:
        return self._paused_at is not None

    def start_run(self, now: float) -> None:
        """The next sample is played now, or right behind what was played last if that is not over yet."""
        if now > self.end:
            self.restart(now)

    def restart(self, now: float) -> None:
        """The next sample is played now, on a clock that may have nothing to do with that of before."""
        self._start = now
        self._num_samples = 0
        if self.paused:
            self._paused_at = now

    def advance(self, num_samples: int) -> None:
        self._num_samples += num_samples

    def seconds_left(self, now: float) -> float:
        """How long the samples counted so far go on; below 0 where the next one is overdue."""
        return self.end - (now if self._paused_at is None else self._paused_at)

    def pause(self, now: float) -> None:
        self._paused_at = now

    def resume(self, now: float) -> None:
        if self._paused_at is not None:
            self._start += now - self._paused_at
            self._paused_at = None
