"""TimerFd: a timer of Linux that a selector can wait for, exact to some microseconds."""

from __future__ import annotations

import functools
import os
import struct
import sys
import time
from collections.abc import Callable
from typing import Any

_NS = 1_000_000_000


class TimerFd:
    """Becomes readable when its time is over. It is closed with the object.

    Raises:
        OSError: The system has no such timer, or the process may not have one.
    """

    def __init__(self) -> None:
        self._fd = -1
        self._fd = _create()

    def fileno(self) -> int:
        return self._fd

    def set(self, seconds: float) -> None:
        """Runs for some time from now on, whether it is running or not."""
        _set(self._fd, max(1, int(seconds * _NS)))  # 0 would stop it

    def read(self) -> None:
        """Makes it unreadable."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # it was set again since

    def __del__(self, close: Callable[[int], None] = os.close) -> None:
        # At the end of the program, the names of this module may be gone.
        if self._fd >= 0:
            close(self._fd)


if sys.version_info >= (3, 13) and sys.platform == "linux":

    def _create() -> int:
        return os.timerfd_create(time.CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _set(fd: int, nanoseconds: int) -> None:
        os.timerfd_settime_ns(fd, initial=nanoseconds)

elif sys.platform == "linux":

    @functools.cache
    def _library() -> Any:
        """Returns the C library, which has the calls that Python has from 3.13 on."""
        import ctypes

        # A time_t is a long on every 64-bit Linux. On a 32-bit one it is what the C library was built with.
        library = ctypes.PyDLL(None, use_errno=True)
        if ctypes.sizeof(ctypes.c_long) != 8 or not hasattr(library, "timerfd_create"):
            raise OSError("no timerfd_create")
        return library

    def _check(result: int) -> int:
        if result < 0:
            import ctypes

            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result

    def _create() -> int:
        return _check(_library().timerfd_create(time.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC))

    def _set(fd: int, nanoseconds: int) -> None:
        # struct itimerspec: the interval, and the first time, each in s and ns
        times = struct.pack("llll", 0, 0, *divmod(nanoseconds, _NS))
        _check(_library().timerfd_settime(fd, 0, times, None))

else:

    def _create() -> int:
        raise OSError("no timerfd_create")

    def _set(fd: int, nanoseconds: int) -> None:
        raise OSError("no timerfd_settime")
