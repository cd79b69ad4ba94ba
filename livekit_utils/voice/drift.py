"""Drift: estimates the drift between the clocks of two streams, from the times at which their samples come."""

from __future__ import annotations

import math

# Positions are averaged over 3 s: long enough to smooth blocks that come late by tens of milliseconds.
_AVERAGE_S = 3.0

# A distance that is off by up to 1 ms is not corrected: it is the jitter of the callers.
_TOLERATED_S = 1e-3

# A PI controller corrects the rest: by 100 ppm for each millisecond, plus the drift that it has learnt, with the gain
# for critical damping; by 1000 ppm at most.
_PROPORTIONAL = 0.1
_INTEGRAL = _PROPORTIONAL**2 / 4
_MAX_CORRECTION = 1e-3

# A drift that shows only after a while is known from the change of the distance. Over less than 10 s the change is
# jitter as well.
_WATCHED_S = 10.0

# Converted blocks differ by so many samples from one to the next.
_ROUNDING = 2


class _Line:
    """Averages the position of a stream, in samples, relative to a stream that keeps the rate exactly."""

    def __init__(self) -> None:
        self._num_events = 0
        self.offset = 0.0

    def add(self, offset: float, share: float) -> None:
        self._num_events += 1
        self.offset += (offset - self.offset) * max(share, 1 / self._num_events)


class Drift:
    """Keeps the distance between the samples that came in and those that were taken out.

    The time of a single arrival is not precise, because blocks come when an event loop has time for them. Averages over
    seconds are precise to a fraction of a millisecond. The average of the first seconds after `settle` becomes the
    distance that is kept from then on.

    As long as both sides are called in step (`CallOrder`), nothing is corrected: there is no drift in files, and the
    times of the calls tell only how fast they are processed.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._arrived = self._taken = 0
        self._learnt = 0.0
        self._slip = 0.0
        self._order = CallOrder()
        self._corrects = False
        self.settle()

    def settle(self) -> None:
        """Starts over after the distance was changed; the drift that was learnt is kept."""
        self._arrivals, self._takings = _Line(), _Line()
        self._target: float | None = None
        self._settling = _AVERAGE_S * self._sample_rate

    def arrive(self, samples_per_channel: int, time_s: float) -> None:
        """Notes samples that came in at this time."""
        self._order.arrive(samples_per_channel)
        self._arrived += samples_per_channel
        share = samples_per_channel / (_AVERAGE_S * self._sample_rate)
        self._arrivals.add(self._arrived - time_s * self._sample_rate, share)

    def take(self, samples_per_channel: int, time_s: float) -> int:
        """Returns 1 if one of the next samples should be left out, -1 if one should be repeated, else 0."""
        self._order.take(samples_per_channel)
        self._taken += samples_per_channel
        share = samples_per_channel / (_AVERAGE_S * self._sample_rate)
        self._takings.add(self._taken - time_s * self._sample_rate, share)
        distance = self._arrivals.offset - self._takings.offset
        self._settling -= samples_per_channel
        if self._settling <= 0 and self._target is None:
            self._target = distance
        if self._order.in_step:
            return 0
        if not self._corrects:
            self._begin(distance)
        correction = self._learnt
        if self._target is not None:
            correction += self._react((distance - self._target) / self._sample_rate, samples_per_channel)
        self._slip += max(-_MAX_CORRECTION, min(_MAX_CORRECTION, correction)) * samples_per_channel
        slip = max(-1, min(1, int(self._slip)))
        self._slip -= slip
        self._taken += slip
        return slip

    def _begin(self, distance: float) -> None:
        """Begins to correct: by the drift until now, and from the distance that it has led to, which the canceller has
        followed."""
        self._corrects = True
        if self._target is not None:
            watched_s = max(_WATCHED_S, -self._settling / self._sample_rate)
            drift = (distance - self._target) / self._sample_rate / watched_s
            self._learnt = max(-_MAX_CORRECTION, min(_MAX_CORRECTION, drift))
            self._target = distance

    def _react(self, error_s: float, samples_per_channel: int) -> float:
        """Updates the learnt drift; returns the proportional correction, in samples per sample."""
        beyond = math.copysign(max(0.0, abs(error_s) - _TOLERATED_S), error_s)
        learnt = self._learnt + _INTEGRAL * beyond * samples_per_channel / self._sample_rate
        self._learnt = max(-_MAX_CORRECTION, min(_MAX_CORRECTION, learnt))
        return _PROPORTIONAL * beyond


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
        spread = self._most - self._least
        if spread and spread > self._tolerated(samples_per_channel):
            self.in_step = False

    def _tolerated(self, taken: int) -> int:
        """Returns the range of the distance in step, and half of what one block more or less would add to it."""
        shorter, longer = sorted((self._block, taken))
        if not shorter:
            return longer
        rest = longer % shorter
        divides = min(rest, shorter - rest) <= _ROUNDING
        return self._block - shorter * divides + shorter // 2
