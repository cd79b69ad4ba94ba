"""FrameQueue: frames on their way from whoever makes them to whoever reads them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

logger = logging.getLogger("livekit_utils")


T = TypeVar("T")


class FrameQueue(Generic[T]):
    """A queue with a bound that its owner keeps, and an end that nobody can miss.

    Ending and closing are states, not items: every reader that waits or comes later sees them. A reader that is
    cancelled loses nothing. `put`, `drop_oldest`, `end` and `close` never wait, and may be called in another thread
    than the readers' event loop.

    Args:
        capacity: Items from which on it is `full`; 0 for never.
        on_room: Called when an item was read from a full queue.
    """

    def __init__(self, capacity: int, on_room: Callable[[], None] | None = None) -> None:
        self._items: deque[T] = deque()
        self._readers: deque[asyncio.Future[None]] = deque()
        self._capacity = capacity
        self._on_room = on_room
        self._ended = False
        self._error: BaseException | None = None
        self._traceback: TracebackType | None = None

    def __len__(self) -> int:
        return len(self._items)

    @property
    def full(self) -> bool:
        return 0 < self._capacity <= len(self._items)

    def put(self, item: T) -> None:
        """After the end, nothing."""
        if not self._ended:
            self._items.append(item)
            self._wake_reader()

    def drop_oldest(self) -> bool:
        """Whether there was one."""
        try:
            self._items.popleft()
        except IndexError:
            return False
        return True

    def end(self, error: BaseException | None = None) -> None:
        """No more items: readers get what is there, then the end, or this error."""
        if error is not None and not self._ended:
            self._error, self._traceback = error, error.__traceback__
        self._ended = True
        while self._readers:
            self._wake_reader()

    def close(self) -> None:
        """Drops what is there, and ends without an error."""
        self._items.clear()
        self._error = None
        self.end()

    async def get(self) -> T:
        """The next item; `StopAsyncIteration` at the end."""
        while True:
            if not self._items:
                await self._wait()
            was_full = self.full
            try:
                item = self._items.popleft()
            except IndexError:
                item = None  # another reader was quicker, or another thread dropped it
            if item is not None:
                if was_full and self._on_room is not None:
                    self._on_room()
                return item

    async def _wait(self) -> None:
        """Returns when there may be an item; raises at the end."""
        reader = asyncio.get_running_loop().create_future()
        self._readers.append(reader)
        # Looked at once the reader can be seen: what another thread did before is found here, and what it does later
        # wakes the reader.
        if self._items or self._ended:
            self._forget(reader)
            if self._items:
                return
            if self._error is not None:
                # With the traceback it came with: each raise adds to it, and a reader may ask often.
                raise self._error.with_traceback(self._traceback)
            raise StopAsyncIteration
        try:
            await reader
        except asyncio.CancelledError:
            if reader.cancelled():
                self._forget(reader)
            else:
                self._wake_reader()  # the item that woke it is for somebody else now
            raise

    def _forget(self, reader: asyncio.Future[None]) -> None:
        with contextlib.suppress(ValueError):  # another thread took it out, to wake it
            self._readers.remove(reader)

    def _wake_reader(self) -> None:
        while self._readers:
            try:
                reader = self._readers.popleft()
            except IndexError:  # another thread was quicker
                return
            loop = reader.get_loop()
            if loop is asyncio._get_running_loop():
                if not reader.done():
                    reader.set_result(None)
                    return
            elif self._wake_elsewhere(reader, loop):
                return

    def _wake_elsewhere(self, reader: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> bool:
        """Whether its loop will see to it."""

        def wake() -> None:
            if not reader.done():
                reader.set_result(None)
            else:
                self._wake_reader()

        try:
            loop.call_soon_threadsafe(wake)
        except RuntimeError:  # the loop is closed, and its readers are gone
            return False
        return True


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
