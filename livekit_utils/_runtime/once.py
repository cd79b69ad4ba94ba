"""Once: something that happens once, for which threads, callbacks and coroutines of any event loop can wait."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

logger = logging.getLogger("livekit_utils")


class Once:
    def __init__(self) -> None:
        self._lock = threading.RLock()  # a signal handler may come here from within
        self._happened = threading.Event()
        self._callbacks: list[Callable[[], object]] = []

    @property
    def happened(self) -> bool:
        return self._happened.is_set()

    def set(self) -> None:
        """It happens: whoever waits goes on, callbacks are called in this thread. Again: nothing."""
        with self._lock:
            self._happened.set()
            callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            _call(callback)

    def add(self, callback: Callable[[], object]) -> None:
        """Calls back when it happens, in the thread that makes it happen; here and now if it has."""
        with self._lock:
            if not self._happened.is_set():
                self._callbacks.append(callback)
                return
        _call(callback)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Holds up the thread until it happens, or for so long; says whether it has."""
        return self._happened.wait(timeout_s)

    async def happens(self, timeout_s: float | None = None) -> bool:
        """The same for a coroutine."""
        if self._happened.is_set():
            return True
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            try:
                loop.call_soon_threadsafe(_resolve, future)
            except RuntimeError:
                return  # the loop is closed: nobody waits any more

        self.add(wake)
        try:
            await asyncio.wait([future], timeout=timeout_s)
        finally:
            future.cancel()
            with self._lock:
                if wake in self._callbacks:
                    self._callbacks.remove(wake)
        return self._happened.is_set()


def _call(callback: Callable[[], object]) -> None:
    try:
        callback()
    except Exception:
        logger.exception("%r failed", callback)


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
