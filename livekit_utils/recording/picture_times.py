"""PictureTimes: finds when pictures came that an event loop could not take at once."""

from __future__ import annotations

import math

# The event loop was held up if it is so much later than expected, in seconds.
_STALL_S = 0.02

# What was held up comes within so many seconds after the event loop goes on.
_CATCH_UP_S = 0.05

# The lag of the timestamps follows the pictures that come in time by this part; it is a new one beyond so many seconds.
_FOLLOW = 0.1
_NEW_S = 0.1


class PictureTimes:
    """Tells when pictures came, by when they are taken. All times are seconds of the event loop.

    While the loop is held up, pictures wait. Those are placed by their timestamps: as far apart as these say, and not
    before the loop was held up. Otherwise timestamps do not count; they may be of any clock, or make no sense.

    Args:
        interval_s: Seconds from one call of `tick` to the next.
    """

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._ticked = math.inf
        self._stall = (-math.inf, -math.inf)  # the last one: when the loop was last seen before it, and its end
        self._lag: float | None = None  # of the timestamps, behind the clock of the loop

    def tick(self, now: float) -> None:
        """Tells that the loop is running."""
        if self._is_held_up(now):
            self._stall = self._ticked, now
        self._ticked = now

    def _is_held_up(self, now: float) -> bool:
        return now - self._ticked > self._interval_s + _STALL_S

    def came_at(self, timestamp_s: float, now: float) -> float:
        """Returns when a picture came that is taken now; not later."""
        if self._is_held_up(now):
            earliest = self._ticked
        elif now - self._stall[1] <= _CATCH_UP_S:
            earliest = self._stall[0]
        else:
            earliest = now
        lag = now - timestamp_s
        if earliest < now and self._lag is not None:
            return min(now, max(earliest, timestamp_s + self._lag))
        if self._lag is None or abs(lag - self._lag) > _NEW_S:
            self._lag = lag
        else:
            self._lag += _FOLLOW * (lag - self._lag)
        return now
