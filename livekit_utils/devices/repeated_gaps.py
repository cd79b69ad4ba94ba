"""RepeatedGaps: says that the sound of a device has gaps again and again."""

from __future__ import annotations

import logging
from collections import deque

from livekit_utils._runtime.trouble import Trouble

# So many gaps within so many seconds are said.
_MANY_GAPS = 3
_GAPS_S = 10.0


class RepeatedGaps:
    """Says that the sound of a device has gaps again and again. A few are how the depth is found."""

    def __init__(self) -> None:
        self._trouble = Trouble(
            "the sound of speaker %r has gaps again and again: it comes too late, or the device takes it unevenly; "
            "a greater buffer_ms bridges more",
            logging.WARNING,
        )
        self._num_seen = 0
        self._times: deque[float] = deque(maxlen=_MANY_GAPS)

    def restart(self) -> None:
        """The device changes, and its count begins at 0."""
        self._num_seen = 0

    def look(self, num_gaps: int, device: str, now: float) -> None:
        """Looks at the gaps that the device has counted."""
        if num_gaps > self._num_seen:
            self._times.extend([now] * min(num_gaps - self._num_seen, _MANY_GAPS))
            self._num_seen = num_gaps
            if len(self._times) == _MANY_GAPS and now - self._times[0] < _GAPS_S:
                self._trouble.failed(device)
        elif self._trouble.failing and now - self._times[-1] > _GAPS_S:
            self._trouble.good()
