"""PlayoutClock: the time at which each sample of a source is played."""

from __future__ import annotations


class PlayoutClock:
    """Counts the samples of a run of audio without a gap from the time at which the run started.

    Times are never summed up sample by sample or timer by timer: after days, a run is still as exact as its sample
    rate, however late each timer was. All times are those of one event loop, in seconds.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._start = float("-inf")
        self._samples_per_channel = 0  # of the run so far
        self._paused_at = 0.0
        self.paused = False
        self.end = float("-inf")
        """Time at which the samples counted so far have been played, and the next one is due."""

    def start_run(self, now: float) -> None:
        """Plays the next sample now, or after the samples counted so far if they are not over yet."""
        if now > self.end:
            self.restart(now)

    def restart(self, now: float) -> None:
        """Plays the next sample now, by a clock that may be another one than before."""
        self._start = self.end = now
        self._samples_per_channel = 0
        if self.paused:
            self._paused_at = now

    def advance(self, samples_per_channel: int) -> None:
        """Counts samples that are played next."""
        self._samples_per_channel += samples_per_channel
        self.end = self._start + self._samples_per_channel / self._sample_rate

    def seconds_left(self, now: float) -> float:
        """Returns how long the samples counted so far go on; below 0 if the next one is overdue."""
        return self.end - (self._paused_at if self.paused else now)

    def pause(self, now: float) -> None:
        """Stops the clock."""
        self.paused, self._paused_at = True, now

    def resume(self, now: float) -> None:
        """Continues where `pause` stopped the clock; does nothing if it runs."""
        if self.paused:
            self.paused = False
            self._start += now - self._paused_at
            self.advance(0)
