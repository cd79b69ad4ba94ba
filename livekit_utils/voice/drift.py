"""Drift: how far one stream of samples runs away from another, by the times at which they come."""

from __future__ import annotations

import math

_AVERAGE_S = 3.0

# Nothing is done about less: it is the jitter of those who call.
_TOLERATED_S = 1e-3

# What is beyond that is corrected by a PI controller: by 100 ppm for each millisecond, plus the drift that was learnt
# from it, with a gain for critical damping; by 1000 ppm at most.
_PROPORTIONAL = 0.1
_INTEGRAL = _PROPORTIONAL**2 / 4
_MAX_CORRECTION = 1e-3


class _Line:
    """Where a stream is beside one that keeps the rate exactly, in samples; an average over some seconds."""

    def __init__(self) -> None:
        self._num_events = 0
        self.offset = 0.0

    def add(self, offset: float, share: float) -> None:
        self._num_events += 1
        self.offset += (offset - self.offset) * max(share, 1 / self._num_events)


class Drift:
    """Compares the samples that came in with those that were taken out.

    A single arrival says little, because whole blocks come when an event loop has time for them. The averages over
    seconds say it to a fraction of a millisecond. The first seconds after `settle` set what is held from then on.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._arrived = self._taken = 0
        self._learnt = 0.0
        self._slip = 0.0
        self.settle()

    def settle(self) -> None:
        """The distance between the two has been changed: begins anew, with the drift that is known."""
        self._arrivals, self._takings = _Line(), _Line()
        self._target: float | None = None
        self._settling = _AVERAGE_S * self._sample_rate

    def arrive(self, samples_per_channel: int, time_s: float) -> None:
        self._arrived += samples_per_channel
        share = samples_per_channel / (_AVERAGE_S * self._sample_rate)
        self._arrivals.add(self._arrived - time_s * self._sample_rate, share)

    def take(self, samples_per_channel: int, time_s: float) -> int:
        """Returns 1 if one of the next samples should be left out, -1 if one should be repeated, else 0."""
        self._taken += samples_per_channel
        share = samples_per_channel / (_AVERAGE_S * self._sample_rate)
        self._takings.add(self._taken - time_s * self._sample_rate, share)
        distance = self._arrivals.offset - self._takings.offset
        self._settling -= samples_per_channel
        correction = self._learnt
        if self._settling <= 0:
            if self._target is None:
                self._target = distance
            correction += self._react((distance - self._target) / self._sample_rate, samples_per_channel)
        self._slip += max(-_MAX_CORRECTION, min(_MAX_CORRECTION, correction)) * samples_per_channel
        slip = max(-1, min(1, int(self._slip)))
        self._slip -= slip
        self._taken += slip
        return slip

    def _react(self, error_s: float, samples_per_channel: int) -> float:
        beyond = math.copysign(max(0.0, abs(error_s) - _TOLERATED_S), error_s)
        learnt = self._learnt + _INTEGRAL * beyond * samples_per_channel / self._sample_rate
        self._learnt = max(-_MAX_CORRECTION, min(_MAX_CORRECTION, learnt))
        return _PROPORTIONAL * beyond
