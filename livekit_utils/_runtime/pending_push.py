"""PendingPush: an item that waits for room in a queue."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class PendingPush(Generic[T]):
    """An item, and the task that waits for it to be taken.

    If the task is cancelled while it waits, its item is not taken: `waiting` is False at once. Make it in the event
    loop of that task.
    """

    def __init__(self, item: T) -> None:
        self.item = item
        self.entry: T | None = None  # the entry of the queue, once the item was taken
        self._taken: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @property
    def waiting(self) -> bool:
        """Whether the task still waits."""
        return not self._taken.done()

    def settle(self, taken: bool) -> None:
        """Lets the task go on, if it still waits and its loop is not closed."""
        if not self._taken.done() and not self._taken.get_loop().is_closed():
            self._taken.set_result(taken)

    async def wait_in(self, queue: deque[Self]) -> bool:
        """Waits behind the others; returns True when the item was taken, False if the queue was closed."""
        queue.append(self)
        try:
            return await self._taken
        finally:
            if self in queue:
                queue.remove(self)
