"""Queues from one producer to tasks that read: EndableQueue has an end, LiveQueue also drops the oldest item. They are
compiled, because every frame goes through one.
"""

import asyncio
import contextlib
import logging
from collections import deque

from livekit_utils._runtime.trouble import Trouble

cdef object _running_loop = asyncio._get_running_loop  # None in a thread without an event loop


cdef class EndableQueue:
    """A queue that can be ended; its owner keeps it within its capacity.

    The end is a state, not an item: every reader that waits or comes later sees it. A reader that is cancelled loses no
    item. `put`, `drop_oldest`, `end` and `close` never wait. They may be called in another thread than the event loop
    of the readers.

    Args:
        capacity: Number of items from which on the queue is `full`; 0 if it never is.
        on_room: Called when an item was read from a full queue.
    """

    # Other threads come in where Python code runs: where a future is made or done, and where a task waits.

    def __init__(self, Py_ssize_t capacity, on_room=None):
        self._items = deque()
        self._readers = deque()
        self._capacity = capacity
        self._on_room = on_room

    def __class_getitem__(cls, item):
        return cls

    def __len__(self):
        return len(self._items)

    @property
    def full(self):
        return 0 < self._capacity <= len(self._items)

    cpdef put(self, item):
        """Appends an item; after the end it does nothing."""
        if not self._ended:
            self._items.append(item)
            if self._readers:
                self._wake_reader()

    def drop_oldest(self):
        """Removes the oldest item; returns False if there is none."""
        try:
            self._items.popleft()
        except IndexError:
            return False
        return True

    def take(self):
        """Returns the next item without waiting; None if there is none now."""
        return self._items.popleft() if self._items else None

    def end(self, error=None):
        """Takes no more items. Readers get the items that are left, and then the end, or this error."""
        if error is not None and not self._ended:
            self._error, self._traceback = error, error.__traceback__
        self._ended = True
        while self._readers:
            self._wake_reader()

    def close(self):
        """Drops the items that are left, and ends without an error."""
        self._items.clear()
        self._error = None
        self.end()

    async def get(self, keeper=None, owner=None):
        """Returns the next item; raises `StopAsyncIteration` at the end.

        Args:
            keeper: A dict that refers to `owner` for as long as this waits: asyncio keeps only weak references to
                tasks, and a task could be collected together with the stream that only it refers to.
        """
        while True:
            if not self._items:
                reader = asyncio.get_running_loop().create_future()
                self._readers.append(reader)
                # The reader is in the list before the state is checked. So the check sees everything that another
                # thread did earlier, and everything that it does later wakes the reader.
                if self._items or self._ended:
                    self._forget(reader)
                    if not self._items:
                        raise self._end_of_items()
                else:
                    if keeper is not None:
                        keeper[reader] = owner
                    try:
                        await reader
                    except BaseException:  # it was cancelled, or collected with its task
                        if reader.done() and not reader.cancelled():
                            self._wake_reader()  # this reader was woken for an item: another one takes it
                        else:
                            self._forget(reader)
                        raise
                    finally:
                        if keeper is not None:
                            del keeper[reader]
                    if not self._items:
                        continue  # another reader took it, or another thread dropped it
            item = self._items.popleft()
            if self._on_room is not None and 0 < self._capacity <= len(self._items) + 1:
                self._on_room()
            return item

    cdef object _end_of_items(self):
        """Returns what is raised at the end."""
        if self._error is not None:
            # Each raise extends the traceback, and a reader may ask often: raise it with the original one.
            return self._error.with_traceback(self._traceback)
        return StopAsyncIteration()

    cdef _forget(self, reader):
        with contextlib.suppress(ValueError):  # another thread has taken it out of the list to wake it
            self._readers.remove(reader)

    cdef _wake_reader(self):
        running = _running_loop()
        while self._readers:
            reader = self._readers.popleft()
            loop = reader.get_loop()
            if loop is running:
                if not reader.done():
                    reader.set_result(None)
                    return
            elif self._wake_elsewhere(reader, loop):
                return

    cdef bint _wake_elsewhere(self, reader, loop) except -1:
        """Wakes a reader of another loop; returns False if that loop is closed."""
        try:
            loop.call_soon_threadsafe(self._wake, reader)
        except RuntimeError:  # the loop is closed, and its readers are gone
            return False
        return True

    def _wake(self, reader):
        if not reader.done():
            reader.set_result(None)
        else:
            self._wake_reader()


# Number of items without a drop that end a run of drops: 5 s of 10 ms frames. A reader that is slightly too slow all
# the time drops one item in every few, which is one run.
_NUM_GOOD_PUTS = 500


cdef class LiveQueue(EndableQueue):
    """An EndableQueue that drops its oldest item when it is full. Drops are counted, and logged once per run of them.

    Args:
        capacity: Number of items that it keeps; 0 keeps all.
        name: Name of the stream that is read, for the log.
    """

    def __init__(self, Py_ssize_t capacity, name):
        super().__init__(capacity)
        self._drops = Trouble(
            "%s is read too slowly: frames before the last %d are lost", logging.WARNING, num_good=_NUM_GOOD_PUTS
        )
        self._name = name

    @property
    def num_dropped(self):
        return self._drops.count

    cpdef put(self, item):
        self.num_put += 1
        if self._capacity:
            self._make_room()
        if not self._ended:
            self._items.append(item)
            if self._readers:
                self._wake_reader()

    cdef _make_room(self):
        if len(self._items) >= self._capacity and self.drop_oldest():
            self._drops.failed(self._name, self._capacity)
        elif self._drops.count:
            self._drops.good()
