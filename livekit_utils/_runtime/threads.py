"""Threads for calls into native code (plugins, sound systems) that may never come back."""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

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


# A session that was closed just before the program ends should be destroyed before the library's own clean-up runs;
# a plugin that hangs should not be noticed for longer than this.
_GRACE_S = 1.0

_MAX_TIMEOUT_MS = 86_400_000

_running = 0
_ended = threading.Condition()  # reentrant: a destructor may start a thread anywhere


def start_thread(name: str, target: Callable[[], None]) -> None:
    """Runs it in a daemon thread, for which the end of the program waits a moment only.

    Raises:
        RuntimeError: The system has no more threads, or the program is ending.
    """
    global _running
    thread = threading.Thread(target=_run, args=(target,), name=f"livekit_utils {name}", daemon=True)
    with _ended:
        _running += 1
    try:
        thread.start()
    except BaseException:
        _end()
        raise


def try_start_thread(name: str, target: Callable[[], None]) -> None:
    """The same for cleaning up, which has nobody to tell: what cannot be done is logged, or left to the end of the
    program where that has come."""
    if sys.is_finalizing():
        return
    try:
        start_thread(name, target)
    except RuntimeError as error:
        logger.error("cannot %s: %s", name, error)


def _run(target: Callable[[], None]) -> None:
    try:
        target()
    finally:
        _end()


def _end() -> None:
    global _running
    with _ended:
        _running -= 1
        _ended.notify_all()


@atexit.register
def _wait_a_moment() -> None:
    with _ended:
        _ended.wait_for(lambda: _running == 0, _GRACE_S)


def limit_in_seconds(timeout_ms: float) -> float:
    if not 0 < timeout_ms <= _MAX_TIMEOUT_MS:
        raise ValueError(f"expected a timeout_ms above 0, to {_MAX_TIMEOUT_MS}, got {timeout_ms}")
    return timeout_ms / 1000


T = TypeVar("T")


async def in_thread(name: str, function: Callable[[], T], discard: Callable[[T], None] | None = None) -> T:
    """Runs a function in a thread of its own and returns what it returns, or raises what it raises.

    Args:
        name: Of the thread.
        function: What blocks.
        discard: What becomes of the result where nobody waits for it any more; called in a thread as well.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    # An error holds the frames that it has passed. If these held the error, it would keep the variables of the callers
    # alive, such as the memory of a device, until the garbage collector runs. So each of them gives it up.
    outcomes: list[Future[T]] = []

    def run() -> None:
        outcome: Future[T] = Future()
        try:
            outcome.set_result(function())
        except BaseException as error:
            outcome.set_exception(error)
        outcomes.append(outcome)
        del outcome
        try:
            loop.call_soon_threadsafe(settle)
        except RuntimeError:  # the loop is closed
            throw_away()

    def settle() -> None:
        if not future.done():
            future.set_result(None)
        else:
            throw_away()

    def throw_away() -> None:
        outcome = outcomes.pop()
        if discard is not None and outcome.exception() is None:
            start_thread(name, lambda: discard(outcome.result()))

    start_thread(name, run)
    try:
        await future
    except asyncio.CancelledError:
        if future.done() and not future.cancelled():
            throw_away()  # it has come just now
        raise
    outcome = outcomes.pop()
    try:
        return outcome.result()
    finally:
        del outcome
