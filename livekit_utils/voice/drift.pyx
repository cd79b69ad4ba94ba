"""Drift estimates the drift between the clocks of two streams, from the times at which their samples come. It is told of
every block of both, so it is compiled."""
cimport cython
from libc.math cimport copysign, fabs

# Positions are averaged over 3 s: long enough to smooth blocks that come late by tens of milliseconds.
cdef double _AVERAGE_S = 3.0

# A distance that is off by up to 1 ms is not corrected: it is the jitter of the callers.
cdef double _TOLERATED_S = 1e-3

# A PI controller corrects the rest: by 100 ppm for each millisecond, plus the drift that it has learnt, with the gain
# for critical damping; by 1000 ppm at most.
cdef double _PROPORTIONAL = 0.1
cdef double _INTEGRAL = 0.1 * 0.1 / 4
cdef double _MAX_CORRECTION = 1e-3

# A drift that shows only after a while is known from the change of the distance. Over less than 10 s the change is
# jitter as well.
cdef double _WATCHED_S = 10.0

# Converted blocks differ by so many samples from one to the next.
cdef long long _ROUNDING = 2


cdef inline double limited(double correction) noexcept:
    return max(-_MAX_CORRECTION, min(_MAX_CORRECTION, correction))


# The average position of a stream, in samples, relative to a stream that keeps the rate exactly.
cdef struct line:
    long long num_events
    double offset


cdef inline void add(line *average, double offset, double share) noexcept:
    average.num_events += 1
    average.offset += (offset - average.offset) * max(share, 1.0 / <double>average.num_events)


@cython.final
cdef class Drift:
    """Keeps the distance between the samples that came in and those that were taken out.

    The time of a single arrival is not precise, because blocks come when an event loop has time for them. Averages over
    seconds are precise to a fraction of a millisecond. The average of the first seconds after `settle` becomes the
    distance that is kept from then on.

    As long as both sides are called in step (`CallOrder`), nothing is corrected: there is no drift in files, and the
    times of the calls tell only how fast they are processed.

    Args:
        sample_rate: Hz, above 0.
    """

    cdef double _sample_rate
    cdef long long _arrived, _taken
    cdef line _arrivals, _takings
    cdef double _learnt, _slip, _target, _settling
    cdef CallOrder _order
    cdef bint _has_target, _corrects

    def __cinit__(self, double sample_rate):
        if not sample_rate > 0:
            raise ValueError(f"sample_rate: expected above 0, got {sample_rate}")
        self._sample_rate = sample_rate
        self._order = CallOrder()
        self.settle()

    cpdef settle(self):
        """Starts over after the distance was changed; the drift that was learnt is kept."""
        self._arrivals.num_events = self._takings.num_events = 0
        self._arrivals.offset = self._takings.offset = 0.0
        self._has_target = False
        self._settling = _AVERAGE_S * self._sample_rate

    def arrive(self, long long samples_per_channel, double time_s):
        """Notes samples that came in at this time."""
        cdef double share = samples_per_channel / (_AVERAGE_S * self._sample_rate)
        self._order._arrive(samples_per_channel)
        self._arrived += samples_per_channel
        add(&self._arrivals, self._arrived - time_s * self._sample_rate, share)

    def take(self, long long samples_per_channel, double time_s):
        """Returns 1 if one of the next samples should be left out, -1 if one should be repeated, else 0."""
        cdef double share = samples_per_channel / (_AVERAGE_S * self._sample_rate), distance, correction
        cdef int slip
        self._order._take(samples_per_channel)
        self._taken += samples_per_channel
        add(&self._takings, self._taken - time_s * self._sample_rate, share)
        distance = self._arrivals.offset - self._takings.offset
        self._settling -= samples_per_channel
        if self._settling <= 0 and not self._has_target:
            self._has_target = True
            self._target = distance
        if self._order.in_step:
            return 0
        if not self._corrects:
            self._begin(distance)
        correction = self._learnt
        if self._has_target:
            correction += self._react((distance - self._target) / self._sample_rate, samples_per_channel)
        self._slip += limited(correction) * samples_per_channel
        slip = 1 if self._slip >= 1 else -1 if self._slip <= -1 else 0
        self._slip -= slip
        self._taken += slip
        return slip

    cdef void _begin(self, double distance) noexcept:
        """Begins to correct: by the drift until now, and from the distance that it has led to, which the canceller has
        followed."""
        cdef double watched_s
        self._corrects = True
        if self._has_target:
            watched_s = max(_WATCHED_S, -self._settling / self._sample_rate)
            self._learnt = limited((distance - self._target) / self._sample_rate / watched_s)
            self._target = distance

    cdef double _react(self, double error_s, long long samples_per_channel) noexcept:
        """Updates the learnt drift; returns the proportional correction, in samples per sample."""
        cdef double beyond = copysign(max(0.0, fabs(error_s) - _TOLERATED_S), error_s)
        self._learnt = limited(self._learnt + _INTEGRAL * beyond * samples_per_channel / self._sample_rate)
        return _PROPORTIONAL * beyond


@cython.final
cdef class CallOrder:
    """Watches how far two streams are apart, in samples, each time that one of them is taken.

    Where one caller feeds both, as from files, the distance repeats from block to block. Where each stream comes by the
    clock of its device, it is soon off by another block, because of jitter, or at last because of drift. Only samples
    are counted, so the answer depends on no clock.
    """

    cdef readonly bint in_step
    cdef long long _distance, _least, _most
    cdef long long _block  # the longest that arrived
    cdef bint _began

    def __cinit__(self):
        self.in_step = True

    def arrive(self, long long samples_per_channel):
        """Notes samples that came in."""
        self._arrive(samples_per_channel)

    def take(self, long long samples_per_channel):
        """Notes samples that are taken out."""
        self._take(samples_per_channel)

    cdef void _arrive(self, long long samples_per_channel) noexcept:
        self._distance += samples_per_channel
        self._block = max(self._block, samples_per_channel)

    cdef void _take(self, long long samples_per_channel) noexcept:
        cdef long long spread
        self._distance -= samples_per_channel
        if not self._began:
            self._began = True
            self._least = self._most = self._distance
        self._least = min(self._least, self._distance)
        self._most = max(self._most, self._distance)
        spread = self._most - self._least
        if spread and spread > self._tolerated(samples_per_channel):
            self.in_step = False

    cdef long long _tolerated(self, long long taken) noexcept:
        """Returns the range of the distance in step, and half of what one block more or less would add to it."""
        cdef long long shorter = min(self._block, taken), longer = max(self._block, taken), rest
        if shorter <= 0:
            return longer
        rest = longer % shorter
        return self._block - (shorter if min(rest, shorter - rest) <= _ROUNDING else 0) + shorter // 2
