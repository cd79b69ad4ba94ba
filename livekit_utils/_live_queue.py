"""LiveQueue: a queue whose reader may be too slow."""

from __future__ import annotations

import logging
from typing import TypeVar

from livekit_utils._frame_queue import FrameQueue

logger = logging.getLogger("livekit_utils")

T = TypeVar("T")


class LiveQueue(FrameQueue[T]):
    """A FrameQueue that drops the oldest where it is full: counted, and said once until the reader has caught up.

    Args:
        capacity: Items it keeps; 0 for all.
        name: Of whoever is read, for the log.
    """

    def __init__(self, capacity: int, name: str) -> None:
        super().__init__(capacity)
        self._name = name
        self._dropping = False
        self.num_put = 0
        self.num_dropped = 0

    def put(self, item: T) -> None:
        self.num_put += 1
        if self._capacity:
            self._make_room()
        super().put(item)

    def _make_room(self) -> None:
        if not self._items:
            self._dropping = False
        elif self.full and self.drop_oldest():
            self.num_dropped += 1
            if not self._dropping:
                self._dropping = True
                logger.warning("%s is read too slowly: all but the last %d frames are lost", self._name, self._capacity)
