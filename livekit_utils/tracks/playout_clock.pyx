"""PlayoutClock tells when each sample of a source is played. It is asked for every frame, so it is compiled."""
from libc.math cimport INFINITY

# Time in seconds by which a frame may come late without a change of the clock. Otherwise the latest frame would set the
# time for all that follow, and they would wait. It is less than what a listener crossfades away.
cdef double _LATE_S = 0.005
LATE_S = _LATE_S

# Where the event loop was held up, a frame may come as late as this.
cdef double _MOST_LATE_S = 0.04


cdef class PlayoutClock:
    """Counts the samples of a run of audio without a gap from the time at which the run started.

    A run that has nothing left to play goes on with what comes up to `LATE_S` late; or later, if the event loop was
    held up, because then the frames and the look at the clock are late for the same reason.

    Times are never summed up sample by sample or timer by timer: after days, a run is still as exact as its sample
    rate, however late each timer was. All times are those of one event loop, in seconds.

    - `paused`: whether it stands.
    - `end`: when the samples counted so far have been played, and the next one is due.

    Args:
        sample_rate: In Hz, from 1.
    """

    def __cinit__(self, Py_ssize_t sample_rate):
        if sample_rate < 1:
            raise ValueError(f"sample_rate: expected 1 or more, got {sample_rate}")
        self._sample_rate = sample_rate
        self._start = self.end = -INFINITY

    cpdef start_run(self, double now):
        """Plays the next sample now, or after the samples counted so far if they are not over yet."""
        if now > self.end:
            self.restart(now)

    cpdef restart(self, double now):
        """Plays the next sample now, by a clock that may be another one than before."""
        self._start = self.end = now
        self._samples_per_channel = 0
        if self.paused:
            self._paused_at = now

    def advance(self, Py_ssize_t samples_per_channel, double now):
        """Counts samples that are played next."""
        cdef bint was_held_up = self.end + _LATE_S < now < self.end + _MOST_LATE_S  # else the run would be over
        self._samples_per_channel += samples_per_channel
        self._set_end()
        self._grace_s = _LATE_S + (max(0.0, now - self.end) if was_held_up else 0.0)

    cdef void _set_end(self) noexcept:
        self.end = self._start + self._samples_per_channel / <double>self._sample_rate

    @property
    def over_at(self):
        """When the run is over, if nothing comes."""
        return self._over_at()

    cdef double _over_at(self) noexcept:
        return self.end + self._grace_s

    cpdef bint is_over(self, double now) noexcept:
        """Whether the run is over, for who has nothing left to play."""
        if now < self._over_at():
            return False
        if self._grace_s and self._over_at() + _LATE_S < now < self.end + _MOST_LATE_S:
            self._grace_s = now - self.end + _LATE_S
            return False
        return True

    def close_run(self):
        """What comes after `end` does not go on with this run."""
        self._grace_s = 0.0

    cpdef double seconds_left(self, double now) noexcept:
        """Returns how long the samples counted so far go on; below 0 if the next one is overdue."""
        return self.end - (self._paused_at if self.paused else now)

    def pause(self, double now):
        """Stops the clock."""
        self.paused, self._paused_at = True, now

    def resume(self, double now):
        """Continues where `pause` stopped the clock, and returns for how long it stood; does nothing if it runs."""
        if not self.paused:
            return 0.0
        self.paused = False
        cdef double stood_s = now - self._paused_at
        self._start += stood_s
        self._set_end()
        return stood_s
