"""FanOut: hands what a source puts out to all streams on its tracks."""

from __future__ import annotations

import threading
import weakref
from typing import Generic, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """A receiver of items. Its methods raise nothing but what ends the program, do not block, and do not change
    items."""

    def _receive(self, item: T_contra, /) -> None:
        """Takes an item."""

    def _on_idle(self) -> None:
        """Puts out what was held back to be joined with the next item: no item has come for a while."""

    def _end(self) -> None:
        """Takes note that no more items come."""


T = TypeVar("T")


class FanOut(Generic[T]):
    """The sinks of one source.

    It holds weak references: a stream that nobody else references is collected, unless a task waits for it (`waiting`).

    Threads: sinks come and go in any thread. No lock is held while a sink is called.
    """

    def __init__(self) -> None:
        # The tuple is replaced, never changed: a sink may come or go while an item is handed out. The lock is for
        # changes in several threads; it is reentrant because a finalizer, which may run anywhere, may detach a sink.
        self._lock = threading.RLock()
        self._sinks: tuple[weakref.ref[Sink[T]], ...] = ()
        self._ended = False
        self.waiting: dict[object, Sink[T]] = {}
        """Sinks for which a task waits, by what it waits for. asyncio keeps only weak references to tasks: a task that
        waits for a stream that only the task references could be collected together with it."""

    def __len__(self) -> int:
        return sum(reference() is not None for reference in self._sinks)

    def attach(self, sink: Sink[T]) -> None:
        """Adds a sink, which gets all items from now on; after the end, ends it."""
        with self._lock:
            if not self._ended:
                self._sinks = (*self._without(None), weakref.ref(sink))
                return
        sink._end()

    def detach(self, sink: Sink[T]) -> None:
        """Removes a sink; does nothing if it is not there."""
        with self._lock:
            self._sinks = self._without(sink)

    def alive(self) -> list[Sink[T]]:
        """Returns the sinks that there are."""
        return [sink for reference in self._sinks if (sink := reference()) is not None]

    def absorb(self, other: FanOut[T]) -> None:
        """Takes over all sinks of another one, which has not ended."""
        with other._lock:
            sinks, other._sinks = other._sinks, ()
        with self._lock:
            self._sinks = (*self._without(None), *sinks)

    def receive(self, item: T) -> None:
        """Hands an item to all sinks. What ends the program (KeyboardInterrupt) is raised when all have it."""
        complete = True
        ending: BaseException | None = None
        for reference in self._sinks:
            sink = reference()
            if sink is None:
                complete = False
                continue
            try:
                sink._receive(item)
            except BaseException as error:
                ending = error
        if ending is not None:
            raise ending
        if not complete:
            with self._lock:
                self._sinks = self._without(None)

    def idle(self) -> None:
        """Tells all sinks that the source is idle."""
        for sink in self.alive():
            sink._on_idle()

    def end(self) -> None:
        """Ends all sinks, and those that come later."""
        with self._lock:
            sinks, self._sinks, self._ended = self._sinks, (), True
        for reference in sinks:
            sink = reference()
            if sink is not None:
                sink._end()

    def _without(self, gone: Sink[T] | None) -> tuple[weakref.ref[Sink[T]], ...]:
        return tuple(reference for reference in self._sinks if reference() not in (gone, None))
