"""ClockFollower: finds how much faster or slower than the recording's clock a stream's clock is.

`voice/drift.pyx` corrects by averages of all arrivals. Here stalls of seconds are common, and a single one would
mislead an average for seconds; so only the frame that came soonest of each few seconds counts.
"""

from __future__ import annotations

import math

# Seconds over which the soonest frame is found: where they jitter by tens of milliseconds, one of 300 is in time.
_WINDOW_S = 3.0

# A stream that is off by up to 1.5 ms is not corrected: it is the jitter of the event loop.
_TOLERATED_S = 1.5e-3

# A PI controller corrects the rest: by 100 ppm for each millisecond, plus the drift that it has learnt, with the gain
# for critical damping; by 1000 ppm at most.
_PROPORTIONAL = 0.1
_INTEGRAL = _PROPORTIONAL**2 / 4
_MAX_CORRECTION = 1e-3

# A stream that is further ahead than this is not live: it delivers what is to be heard later.
_MAX_AHEAD_S = 0.3


class ClockFollower:
    """Watches how late the frames of a stream come, relative to where they are placed.

    Args:
        sample_rate: Hz, of the recording.
    """

    def __init__(self, sample_rate: int) -> None:
        self._sample_rate = sample_rate
        self._soonest = math.inf
        self._window_end = -math.inf
        self._learnt = 0.0
        self._correction = 0.0  # samples per sample
        self._slip = 0.0

    @property
    def ppm(self) -> float:
        """The drift that was learnt: above 0, the stream's clock is fast."""
        return 0.0 - self._learnt * 1e6

    def watch(self, lag_s: float, now_s: float) -> None:
        """Notes how late a frame came."""
        if now_s >= self._window_end:
            if math.isfinite(self._soonest):
                self._correct(self._soonest)
            self._soonest = math.inf
            self._window_end = now_s + _WINDOW_S
        self._soonest = min(self._soonest, lag_s)

    def start_over(self) -> None:
        """Forgets the frames before a gap; the drift that was learnt is kept."""
        self._soonest, self._window_end = math.inf, -math.inf
        self._correction = self._learnt

    def take(self, samples_per_channel: int) -> int:
        """Returns by how many samples so many should be longer: 1, 0 or -1."""
        self._slip += self._correction * samples_per_channel
        slip = max(-1, min(1, int(self._slip)))
        self._slip -= slip
        return slip

    def give_back(self, slip: int) -> None:
        """Takes back a slip that was not possible yet."""
        self._slip += slip

    def _correct(self, lag_s: float) -> None:
        if lag_s < -_MAX_AHEAD_S:
            self._correction = 0.0
            return
        beyond = math.copysign(max(0.0, abs(lag_s) - _TOLERATED_S), lag_s)
        learnt = self._learnt + _INTEGRAL * beyond * _WINDOW_S
        self._learnt = max(-_MAX_CORRECTION, min(_MAX_CORRECTION, learnt))
        correction = self._learnt + _PROPORTIONAL * beyond
        self._correction = max(-_MAX_CORRECTION, min(_MAX_CORRECTION, correction))
