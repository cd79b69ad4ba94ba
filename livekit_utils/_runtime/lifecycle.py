"""The life cycle of objects: closing, the event loop they belong to, and the tasks that wait for them."""

from __future__ import annotations

import asyncio
import weakref
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Generator
from types import TracebackType
from typing import Any, Self

from livekit_utils._runtime.loop_timers import LoopTimers


class Closing:
    """An object that can be closed once and for all."""

    _closed = False

    def _check_open(self) -> None:
        """Raises RuntimeError after the close."""
        if self._closed:
            raise RuntimeError(f"this {type(self).__name__} is closed")


class AsyncClosing(Closing, ABC):
    """An object with `aclose`, which `async with` calls at the end of its block."""

    @abstractmethod
    async def aclose(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()


class LoopBound:
    """An object that belongs to the event loop in which it is used.

    Another loop may take it over when the first one does not run any more, as with a second `asyncio.run`.
    """

    _loop: asyncio.AbstractEventLoop | None = None
    _timers: weakref.ref[LoopTimers] | None = None  # of the loop, once they were used

    def _bind(self) -> None:
        """Makes the running loop the object's.

        Raises:
            RuntimeError: No loop is running, or the object belongs to another one, which is.
        """
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None:
            if self._loop.is_running():
                raise RuntimeError(f"this {type(self).__name__} is used by another event loop, which is running")
            self._leave_loop()
        self._loop = loop
        self._timers = None

    def _enter(self) -> None:
        """`_bind` for methods that need no running loop.

        Raises:
            RuntimeError: The object's loop is running, in another thread.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            if self._loop is not None and self._loop.is_running():
                raise RuntimeError(f"this {type(self).__name__} is used by an event loop in another thread") from None
        else:
            self._bind()

    def _leave_loop(self) -> None:
        """Called before another loop takes over: the timers of the old one are gone, and its clock may differ."""

    def _loop_timers(self) -> LoopTimers:
        """Returns the timers of the object's loop, which it has."""
        timers = self._timers() if self._timers is not None else None
        if timers is None:
            assert self._loop is not None
            timers = LoopTimers.of(self._loop)
            self._timers = weakref.ref(timers)
        return timers

    def _now(self) -> float:
        """The time of the object's loop, in seconds; 0 before there is one."""
        return self._loop.time() if self._loop is not None else 0.0


class Waiters:
    """The tasks that wait for the same thing to happen to an object, each in its own event loop."""

    def __init__(self) -> None:
        self._futures: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        return len(self._futures)

    async def wait(self) -> None:
        """Returns with the next `release`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._futures.add(future)
        try:
            await future
        finally:
            self._futures.discard(future)

    def release(self) -> None:
        """Lets every task that waits go on, but those whose loop is gone. Call it in the loop of the tasks."""
        for future in self._futures:
            if not future.done() and not future.get_loop().is_closed():
                future.set_result(None)


class Done(Coroutine[Any, Any, None]):
    """A coroutine that has ended: it may be awaited, made a task, or ignored without a warning."""

    def __await__(self) -> Generator[Any, Any, None]:
        return
        yield

    def send(self, value: Any) -> Any:
        raise StopIteration

    def throw(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> Any:
        raise typ

    def close(self) -> None:
        """Does nothing: there is nothing to close."""
