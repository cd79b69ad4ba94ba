"""LoopTimers: timers of an event loop that fire on time.

asyncio rounds timeouts up to whole milliseconds twice, so its timers are up to 2 ms late. Where Linux offers a timer
among the file descriptors, ours wait for that one instead.
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

from livekit_utils._runtime.timer_fd import TimerFd

# Time in seconds by which to set a timer early where it is up to 2 ms late: this halves the error.
_EARLY_S = 0.00075
# How many calls are kept before those that were cancelled are looked for.
_MANY = 64


class Timer(Protocol):
    """A call to come, as asyncio's TimerHandle."""

    def when(self) -> float: ...
    def cancel(self) -> None: ...


class _Call:
    __slots__ = ("_arguments", "_callback", "_context", "_when")

    def __init__(self, when: float, callback: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        self._when = when
        self._callback: Callable[..., object] | None = callback
        self._arguments = arguments
        self._context: contextvars.Context | None = contextvars.copy_context()

    def __lt__(self, other: _Call) -> bool:
        return self._when < other._when

    def when(self) -> float:
        return self._when

    def cancel(self) -> None:
        self._callback = self._context = None
        self._arguments = ()

    @property
    def cancelled(self) -> bool:
        return self._callback is None

    def run(self) -> None:
        if self._callback is not None and self._context is not None:
            self._context.run(self._callback, *self._arguments)


class LoopTimers:
    """The timers of one event loop. `LoopTimers.of` makes one for each loop.

    Only the loop, whose reader it is, keeps it alive. So the file descriptor is closed when the loop is closed.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = weakref.ref(loop)
        self._calls: list[_Call] = []  # a heap, with some that were cancelled
        self._many = _MANY
        self._set_for: float | None = None  # when the file descriptor's timer fires
        self._fd = _timer_fd(loop)
        self.early_s = _EARLY_S if self._fd is None else 0.0
        """Seconds by which to set a timer early so that it is on time on average; 0 where it always is."""
        if self._fd is not None:
            # The loop would keep the context of whoever comes first.
            contextvars.Context().run(loop.add_reader, self._fd.fileno(), self._on_time)

    @classmethod
    def of(cls, loop: asyncio.AbstractEventLoop) -> LoopTimers:
        """Returns the timers of a loop. Call it in the thread of the loop."""
        known = _timers.get(loop)
        timers = known() if known is not None else None
        if timers is None:
            timers = cls(loop)
            _timers[loop] = timers._itself if timers._fd is None else weakref.ref(timers)
        return timers

    def _itself(self) -> LoopTimers:
        return self

    def call_at(self, when: float, callback: Callable[..., object], *arguments: Any) -> Timer:
        """Does what the loop's own `call_at` does."""
        loop = self._loop()
        assert loop is not None
        if self._fd is None:
            return loop.call_at(when, callback, *arguments)
        call = _Call(when, callback, arguments)
        if len(self._calls) >= self._many:
            self._calls = [kept for kept in self._calls if not kept.cancelled]
            heapify(self._calls)
            self._many = max(_MANY, 2 * len(self._calls))
        heappush(self._calls, call)
        self._set(loop.time())
        return call

    def _set(self, now: float) -> None:
        """Sets the file descriptor's timer for the next call."""
        while self._calls and self._calls[0].cancelled:
            heappop(self._calls)
        if self._fd is not None and self._calls and self._calls[0].when() != self._set_for:
            self._set_for = self._calls[0].when()
            self._fd.set(self._set_for - now)

    def _on_time(self) -> None:
        loop, fd = self._loop(), self._fd
        assert loop is not None
        assert fd is not None
        fd.read()
        self._set_for = None
        now = loop.time()
        try:
            # Those that come while these are called may be due at once, and have to let the loop have a turn.
            for _ in range(len(self._calls)):
                if not self._calls or self._calls[0].when() > now:
                    break
                heappop(self._calls).run()
        finally:
            self._set(loop.time())


_timers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Callable[[], LoopTimers | None]] = (
    weakref.WeakKeyDictionary()
)


def _timer_fd(loop: asyncio.AbstractEventLoop) -> TimerFd | None:
    """Returns a timer if there is one, and it has the loop's clock: that of uvloop counts whole milliseconds, and
    those of tests and simulations do not run by themselves."""
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return None
    if getattr(loop.time, "__func__", None) is not asyncio.BaseEventLoop.time:
        return None
    try:
        return TimerFd()
    except OSError:
        return None
