"""LoopTimers are timers of an event loop that fire on time. A source sets one every 10 ms, so they are compiled.

asyncio rounds timeouts up to whole milliseconds twice, so its timers are up to 2 ms late. Where Linux offers a timer
among the file descriptors, ours wait for that one instead.
"""
cimport cython

from livekit_utils._runtime.timer_fd cimport TimerFd as _TimerFd

import asyncio
import contextvars
import weakref
from heapq import heapify, heappop, heappush
from time import monotonic

from livekit_utils._runtime.timer_fd import TimerFd

# Time in seconds by which to set a timer early where it is up to 2 ms late: this halves the error.
_EARLY_S = 0.00075

# How many calls are kept before those that were cancelled are looked for.
cdef Py_ssize_t _MANY = 64


@cython.final
cdef class _Call:
    cdef double _when
    cdef object _callback, _arguments, _context

    def __lt__(self, _Call other):
        return self._when < other._when

    def when(self):
        return self._when

    def cancel(self):
        self._callback = self._context = None
        self._arguments = ()

    cdef _run(self):
        if self._callback is not None:
            self._context.run(self._callback, *self._arguments)


@cython.final
cdef class LoopTimers:
    """The timers of one event loop. `LoopTimers.of` makes one for each loop.

    Only the loop, whose reader it is, keeps it alive. So the file descriptor is closed when the loop is closed.

    - `early_s`: seconds by which to set a timer early so that it is on time on average; 0 where it always is.
    """

    cdef object _loop
    cdef readonly list _calls  # a heap, with some that were cancelled
    cdef Py_ssize_t _many
    cdef bint _is_set
    cdef double _set_for       # when the file descriptor's timer fires, if it is set
    cdef _TimerFd _fd
    cdef readonly double early_s
    cdef object __weakref__

    def __init__(self, loop):
        self._loop = weakref.ref(loop)
        self._calls = []
        self._many = _MANY
        self._fd = _timer_fd(loop)
        self.early_s = _EARLY_S if self._fd is None else 0.0
        if self._fd is not None:
            # The loop would keep the context of whoever comes first.
            contextvars.Context().run(loop.add_reader, self._fd.fileno(), self._on_time)

    @classmethod
    def of(cls, loop):
        """Returns the timers of a loop. Call it in the thread of the loop."""
        known = _timers.get(loop)
        timers = known() if known is not None else None
        if timers is None:
            timers = cls(loop)
            _timers[loop] = timers._itself if (<LoopTimers>timers)._fd is None else weakref.ref(timers)
        return timers

    def _itself(self):
        return self

    def call_at(self, double when, callback, *arguments):
        """Does what the loop's own `call_at` does."""
        cdef _Call call
        if self._fd is None:
            return self._loop().call_at(when, callback, *arguments)
        call = _Call.__new__(_Call)
        call._when = when
        call._callback = callback
        call._arguments = arguments
        call._context = contextvars.copy_context()
        if len(self._calls) >= self._many:
            self._calls = [kept for kept in self._calls if (<_Call>kept)._callback is not None]
            heapify(self._calls)
            self._many = max(_MANY, 2 * len(self._calls))
        heappush(self._calls, call)
        self._set()
        return call

    cdef _set(self):
        """Sets the file descriptor's timer for the next call."""
        while self._calls and (<_Call>self._calls[0])._callback is None:
            heappop(self._calls)
        if not self._calls:
            return
        cdef double when = (<_Call>self._calls[0])._when
        if not self._is_set or when != self._set_for:
            self._is_set, self._set_for = True, when
            self._fd.set(when - <double>monotonic())

    def _on_time(self):
        self._fd.read()
        self._is_set = False
        cdef double now = monotonic()
        try:
            # Those that come while these are called may be due at once, and have to let the loop have a turn.
            for _ in range(len(self._calls)):
                if not self._calls or (<_Call>self._calls[0])._when > now:
                    break
                (<_Call>heappop(self._calls))._run()
        finally:
            self._set()


_timers = weakref.WeakKeyDictionary()


cdef _timer_fd(loop):
    """Returns a timer if there is one, and it has the loop's clock, which is `monotonic`: that of uvloop counts whole
    milliseconds, and those of tests and simulations do not run by themselves."""
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return None
    if getattr(loop.time, "__func__", None) is not asyncio.BaseEventLoop.time:
        return None
    try:
        return TimerFd()
    except OSError:
        return None
