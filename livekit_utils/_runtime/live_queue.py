"""LiveQueue: a queue whose reader may be too slow."""

from __future__ import annotations

import logging
from typing import TypeVar

from livekit_utils._runtime.frame_queue import FrameQueue

logger = logging.getLogger("livekit_utils")

T = TypeVar("T")

# A reader that is slow all the time drops something every few frames.
_SPARED_BETWEEN_RUNS = 500


class LiveQueue(FrameQueue[T]):
    """A FrameQueue that drops the oldest where it is full: counted, and said once, until it has not for a while.

    Args:
        capacity: Items it keeps; 0 for all.
        name: Of whoever is read, for the log.
    """

    def __init__(self, capacity: int, name: str) -> None:
        super().__init__(capacity)
        self._name = name
        self._num_spared = 0  # items that must pass before a drop is news
        self.num_put = 0
        self.num_dropped = 0

    def put(self, item: T) -> None:
        self.num_put += 1
        if self._capacity:
            self._make_room()
        super().put(item)

    def _make_room(self) -> None:
        if self.full and self.drop_oldest():
            self.num_dropped += 1
            if not self._num_spared:
                logger.warning("%s is read too slowly: all but the last %d frames are lost", self._name, self._capacity)
            self._num_spared = _SPARED_BETWEEN_RUNS
        elif self._num_spared:
            self._num_spared -= 1
