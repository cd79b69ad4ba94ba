"""FrameQueue: frames on their way from whoever makes them to whoever reads them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class FrameQueue(Generic[T]):
    """A queue with a bound that its owner keeps, and an end that nobody can miss.

    Ending and closing are states, not items: every reader that waits or comes later sees them. A reader that is
    cancelled loses nothing. Used within one event loop; `put`, `end` and `close` never wait.

    Args:
        capacity: Items from which on it is `full`.
        on_room: Called when an item was taken from a full queue.
    """

    def __init__(self, capacity: int, on_room: Callable[[], None]) -> None:
        self._items: deque[T] = deque()
        self._readers: deque[asyncio.Future[None]] = deque()
        self._capacity = capacity
        self._on_room = on_room
        self._ended = False
        self._error: BaseException | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        return len(self._items) >= self._capacity

    def put(self, item: T) -> None:
        self._items.append(item)
        self._wake_reader()

    def end(self, error: BaseException | None = None) -> None:
        """No more items: readers get what is there, then the end, or this error."""
        self._ended = True
        self._error = self._error or error
        while self._readers:
            self._wake_reader()

    def close(self) -> None:
        """Drops what is there, and ends without an error."""
        self._items.clear()
        self._error = None
        self.end()

    async def get(self) -> T:
        """The next item; `StopAsyncIteration` at the end."""
        while not self._items:
            if self._error is not None:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            reader = asyncio.get_running_loop().create_future()
            self._readers.append(reader)
            try:
                await reader
            except asyncio.CancelledError:
                if not reader.cancelled():
                    self._wake_reader()  # the item that woke it is for somebody else now
                elif reader in self._readers:
                    self._readers.remove(reader)
                raise
        was_full = self.full
        item = self._items.popleft()
        if was_full:
            self._on_room()
        return item

    def _wake_reader(self) -> None:
        while self._readers:
            reader = self._readers.popleft()
            if not reader.done():
                reader.set_result(None)
                return
