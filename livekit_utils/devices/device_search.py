"""DeviceSearch: when a device that is away is tried again, and when the default device is tried in its place."""

from __future__ import annotations

# Pause between attempts after a loss, in seconds. It doubles from the first to the longest.
_FIRST_PAUSE_S = 0.1
_LONGEST_PAUSE_S = 1.0

# A device that was chosen is tried alone for 3 s after a loss: a headset that is plugged in again is back by then.
_FAITHFUL_S = 3.0

# A device that is lost again before it has moved this many blocks is not back. After the second time, it is left alone
# for a second, and twice as long after each further time, up to the longest: it is not announced for ever.
_PROVEN_BLOCKS = 10
_LONGEST_REST_S = 30.0


class DeviceSearch:
    """Keeps what happened to the device chosen and to the substitute, and says what may be tried now.

    All times are seconds of one clock.
    """

    def __init__(self) -> None:
        self._away_since: float | None = None  # the device chosen has not moved steadily since
        self._lost_at = 0.0  # the last loss of either
        self._pause_s = _FIRST_PAUSE_S
        # Of the device chosen and of the substitute: losses in a row before it was proven, and the end of its rest.
        self._num_unproven = [0, 0]
        self._rests_until = [0.0, 0.0]

    def lost(self, now: float, is_substitute: bool, num_blocks: int) -> None:
        """Notes that the device in use has ended, after so many blocks."""
        proven = num_blocks >= _PROVEN_BLOCKS
        if self._away_since is None or (proven and not is_substitute):
            self._away_since = now
        num_unproven = 0 if proven else self._num_unproven[is_substitute] + 1
        self._num_unproven[is_substitute] = num_unproven
        if num_unproven > 1:
            self._rests_until[is_substitute] = now + min(2.0 ** (num_unproven - 2), _LONGEST_REST_S)
        self._lost_at = now
        self._pause_s = _FIRST_PAUSE_S

    def next_pause_s(self) -> float:
        """Returns how long to wait before the next attempt while no device is in use."""
        pause_s = self._pause_s
        self._pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        return pause_s

    def may_try(self, now: float, is_substitute: bool) -> bool:
        """Returns whether the device chosen, or the default one in its place, may be tried now."""
        if is_substitute and self.away_s(now) <= _FAITHFUL_S:
            return False
        return now >= self._rests_until[is_substitute]

    def away_s(self, now: float) -> float:
        """Returns for how long the device chosen has been away."""
        return 0.0 if self._away_since is None else now - self._away_since

    def lost_s(self, now: float) -> float:
        """Returns for how long no device has been in use."""
        return now - self._lost_at
