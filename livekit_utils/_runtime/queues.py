"""Queues from one producer to tasks that read: EndableQueue has an end, LiveQueue also drops the oldest item."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from livekit_utils._runtime.trouble import Trouble

T = TypeVar("T")


class EndableQueue(Generic[T]):
    """A queue that can be ended; its owner keeps it within its capacity.

    The end is a state, not an item: every reader that waits or comes later sees it. A reader that is cancelled loses no
    item. `put`, `drop_oldest`, `end` and `close` never wait. They may be called in another thread than the event loop
    of the readers.

    Args:
        capacity: Number of items from which on the queue is `full`; 0 if it never is.
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
        """Appends an item; after the end it does nothing."""
        if not self._ended:
            self._items.append(item)
            if self._readers:
                self._wake_reader()

    def drop_oldest(self) -> bool:
        """Removes the oldest item; returns False if there is none."""
        try:
            self._items.popleft()
        except IndexError:
            return False
        return True

    def take(self) -> T | None:
        """Returns the next item without waiting; None if there is none now."""
        try:
            return self._items.popleft()
        except IndexError:
            return None

    def end(self, error: BaseException | None = None) -> None:
        """Takes no more items. Readers get the items that are left, and then the end, or this error."""
        if error is not None and not self._ended:
            self._error, self._traceback = error, error.__traceback__
        self._ended = True
        while self._readers:
            self._wake_reader()

    def close(self) -> None:
        """Drops the items that are left, and ends without an error."""
        self._items.clear()
        self._error = None
        self.end()

    async def get(self) -> T:
        """Returns the next item; raises `StopAsyncIteration` at the end."""
        while True:
            if not self._items:
                await self._wait()
            try:
                item = self._items.popleft()
            except IndexError:
                continue  # another reader took it, or another thread dropped it
            if self._on_room is not None and 0 < self._capacity <= len(self._items) + 1:
                self._on_room()
            return item

    async def _wait(self) -> None:
        """Returns when there may be an item; raises at the end."""
        reader = asyncio.get_running_loop().create_future()
        self._readers.append(reader)
        # The reader is in the list before the state is checked. So the check sees everything that another thread did
        # earlier, and everything that it does later wakes the reader.
        if self._items or self._ended:
            self._forget(reader)
            if self._items:
                return
            if self._error is not None:
                # Each raise extends the traceback, and a reader may ask often: raise it with the original one.
                raise self._error.with_traceback(self._traceback)
            raise StopAsyncIteration
        try:
            await reader
        except asyncio.CancelledError:
            if reader.cancelled():
                self._forget(reader)
            else:
                self._wake_reader()  # this reader was woken for an item: another one takes it
            raise

    def _forget(self, reader: asyncio.Future[None]) -> None:
        with contextlib.suppress(ValueError):  # another thread has taken it out of the list to wake it
            self._readers.remove(reader)

    def _wake_reader(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None  # a thread without an event loop
        while self._readers:
            try:
                reader = self._readers.popleft()
            except IndexError:  # another thread has taken it
                return
            loop = reader.get_loop()
            if loop is running:
                if not reader.done():
                    reader.set_result(None)
                    return
            elif self._wake_elsewhere(reader, loop):
                return

    def _wake_elsewhere(self, reader: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> bool:
        """Wakes a reader of another loop; returns False if that loop is closed."""

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


# Number of items without a drop that end a run of drops: 5 s of 10 ms frames. A reader that is slightly too slow all
# the time drops one item in every few, which is one run.
_NUM_GOOD_PUTS = 500


class LiveQueue(EndableQueue[T]):
    """An EndableQueue that drops its oldest item when it is full. Drops are counted, and logged once per run of them.

    Args:
        capacity: Number of items that it keeps; 0 keeps all.
        name: Name of the stream that is read, for the log.
    """

    def __init__(self, capacity: int, name: str) -> None:
        super().__init__(capacity)
        self._drops = Trouble(
            "%s is read too slowly: frames before the last %d are lost", logging.WARNING, num_good=_NUM_GOOD_PUTS
        )
        self._name = name
        self.num_put = 0

    @property
    def num_dropped(self) -> int:
        return self._drops.count

    def put(self, item: T) -> None:
        self.num_put += 1
        if self._capacity:
            self._make_room()
        super().put(item)

    def _make_room(self) -> None:
        if self.full and self.drop_oldest():
            self._drops.failed(self._name, self._capacity)
        elif self._drops.count:
            self._drops.good()
