"""FanOut: what a source puts out, to every stream that listens."""

from __future__ import annotations

import threading
import weakref
from typing import Generic, Protocol, TypeVar

T_contra = TypeVar("T_contra", contravariant=True)


class Sink(Protocol[T_contra]):
    """What listens. It raises nothing, keeps nobody waiting, and changes nothing that it is given."""

    def _receive(self, item: T_contra, /) -> None: ...

    def _rest(self) -> None:
        """Nothing has come for a while: what is held back for the sake of the next item should go out."""

    def _end(self) -> None:
        """Nothing will come any more."""


T = TypeVar("T")


class FanOut(Generic[T]):
    """The sinks of one source. It does not keep them alive, except those that are held: a stream that nobody holds any
    more is gone."""

    def __init__(self) -> None:
        # Replaced, never changed, so that a sink may come and go while an item is on its way. The lock is for streams
        # of other threads; it can be taken twice, because a finalizer may come here at any moment.
        self._lock = threading.RLock()
        self._sinks: tuple[weakref.ref[Sink[T]], ...] = ()
        self._ended = False
        self._held: dict[object, Sink[T]] = {}

    def __len__(self) -> int:
        return sum(reference() is not None for reference in self._sinks)

    def attach(self, sink: Sink[T]) -> None:
        with self._lock:
            if not self._ended:
                self._sinks = (*self._without(None), weakref.ref(sink))
                return
        sink._end()

    def detach(self, sink: Sink[T]) -> None:
        with self._lock:
            self._sinks = self._without(sink)

    def hold(self, sink: Sink[T]) -> object:
        """Keeps a sink alive while somebody waits for what it gets: asyncio does not hold tasks, so one that waits for
        the stream it alone holds would be collected together with it. What is returned is for `let_go`."""
        token = object()
        self._held[token] = sink
        return token

    def let_go(self, token: object) -> None:
        del self._held[token]

    def receive(self, item: T) -> None:
        complete = True
        for reference in self._sinks:
            sink = reference()
            if sink is not None:
                sink._receive(item)
            else:
                complete = False
        if not complete:
            with self._lock:
                self._sinks = self._without(None)

    def rest(self) -> None:
        for reference in self._sinks:
            sink = reference()
            if sink is not None:
                sink._rest()

    def end(self) -> None:
        with self._lock:
            sinks, self._sinks, self._ended = self._sinks, (), True
        for reference in sinks:
            sink = reference()
            if sink is not None:
                sink._end()

    def _without(self, gone: Sink[T] | None) -> tuple[weakref.ref[Sink[T]], ...]:
        return tuple(reference for reference in self._sinks if reference() not in (gone, None))
