"""PlayoutClock: the time at which each sample of a source is played."""

from __future__ import annotations

# Time in seconds by which a frame may come late without a change of the clock. Otherwise the latest frame would set the
# time for all that follow, and they would wait. It is less than what a listener crossfades away.
LATE_S = 0.005

# Where the event loop was held up, a frame may come as late as this.
_MOST_LATE_S = 0.04


class PlayoutClock:
    """Counts the samples of a run of audio without a gap from the time at which the run started.

    A run that has nothing left to play goes on with what comes up to `LATE_S` late; or later, if the event loop was
    held up, because then the frames and the look at the clock are late for the same reason.

    Times are never summed up sample by sample or timer by timer: after days, a run is still as exact as its sample
    rate, however late each timer was. All times are those of one event loop, in seconds.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._start = float("-inf")
        self._samples_per_channel = 0  # of the run so far
        self._paused_at = 0.0
        self._grace_s = 0.0  # how long after `end` the run is over
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

    def advance(self, samples_per_channel: int, now: float) -> None:
        """Counts samples that are played next."""
        was_held_up = self.end + LATE_S < now < self.end + _MOST_LATE_S  # else the run would be over
        self._samples_per_channel += samples_per_channel
        self._set_end()
        self._grace_s = LATE_S + (max(0.0, now - self.end) if was_held_up else 0.0)

    def _set_end(self) -> None:
        self.end = self._start + self._samples_per_channel / self._sample_rate

    @property
    def over_at(self) -> float:
        """When the run is over, if nothing comes."""
        return self.end + self._grace_s

    def is_over(self, now: float) -> bool:
        """Whether the run is over, for who has nothing left to play."""
        if now < self.over_at:
            return False
        if self._grace_s and self.over_at + LATE_S < now < self.end + _MOST_LATE_S:
            self._grace_s = now - self.end + LATE_S
            return False
        return True

    def close_run(self) -> None:
        """What comes after `end` does not go on with this run."""
        self._grace_s = 0.0

    def seconds_left(self, now: float) -> float:
        """Returns how long the samples counted so far go on; below 0 if the next one is overdue."""
        return self.end - (self._paused_at if self.paused else now)

    def pause(self, now: float) -> None:
        """Stops the clock."""
        self.paused, self._paused_at = True, now

    def resume(self, now: float) -> float:
        """Continues where `pause` stopped the clock, and returns for how long it stood; does nothing if it runs."""
        if not self.paused:
            return 0.0
        self.paused = False
        stood_s = now - self._paused_at
        self._start += stood_s
        self._set_end()
        return stood_s
