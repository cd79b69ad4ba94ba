"""Threads for calls into native code (plugins, sound systems) that may never return."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from concurrent import futures
from typing import TypeVar

from livekit_utils._runtime.trouble import ENDS_PROGRAM

logger = logging.getLogger("livekit_utils")

T = TypeVar("T")


class Once:
    """An event that happens once. Threads and coroutines may wait for it, and callbacks may be added."""

    def __init__(self) -> None:
        self._future: futures.Future[None] = _new_future()

    @property
    def happened(self) -> bool:
        return self._future.done()

    def set(self) -> None:
        """Releases all who wait, and calls the callbacks in this thread; does nothing the second time."""
        with contextlib.suppress(futures.InvalidStateError):
            self._future.set_result(None)

    def add(self, callback: Callable[[], object]) -> None:
        """Adds a callback: called in the thread that calls `set`, or at once if the event has happened."""

        def call(_: futures.Future[None]) -> None:
            try:
                callback()
            except ENDS_PROGRAM:
                raise
            except BaseException:
                logger.exception("%r failed", callback)

        self._future.add_done_callback(call)

    def wait(self, timeout_s: float | None = None) -> bool:
        """Blocks the thread until the event happens or the time is over; returns whether it has happened."""
        return bool(futures.wait([self._future], timeout_s).done)

    async def happens(self, timeout_s: float | None = None) -> bool:
        """Waits like `wait`, in a coroutine."""
        await _done(self._future, timeout_s)
        return self.happened


async def in_thread(name: str, function: Callable[[], T], discard: Callable[[T], None] | None = None) -> T:
    """Runs a function in a thread of its own, and returns or raises what it does.

    Args:
        name: Name of the thread.
        function: A function that may block.
        discard: Called with the result, in a thread too, if the task does not wait for it any more.
    """
    # The list gives up the future in the end. Otherwise an error would hold, through the frames that it has passed, the
    # future that holds it, and keep the variables of the callers alive (such as the memory of a device) until the
    # garbage collector runs.
    outcome: list[futures.Future[T]] = [_new_future()]

    def run() -> None:
        try:
            result = function()
        except BaseException as error:
            outcome[0].set_exception(error)
        else:
            outcome[0].set_result(result)

    def throw_away(future: futures.Future[T]) -> None:
        discard_it = discard
        if discard_it is not None and future.exception() is None:
            try_start_thread(name, lambda: discard_it(future.result()))

    start_thread(name, run)
    try:
        await _done(outcome[0])
    except BaseException:  # the task was cancelled, or is collected together with its loop
        outcome[0].add_done_callback(throw_away)
        raise
    return outcome.pop().result()


def _new_future() -> futures.Future[T]:
    future: futures.Future[T] = futures.Future()
    future.set_running_or_notify_cancel()  # it cannot be cancelled any more
    return future


async def _done(future: futures.Future[T], timeout_s: float | None = None) -> None:
    """Returns when the future is done or the time is over. `asyncio.wrap_future` would log an error when the future is
    done after the loop was closed."""
    if future.done():
        return
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not waiter.done():
            waiter.set_result(None)

    def wake_threadsafe(_: futures.Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: no task waits
            loop.call_soon_threadsafe(wake)

    future.add_done_callback(wake_threadsafe)
    try:
        await asyncio.wait([waiter], timeout=timeout_s)
    finally:
        waiter.cancel()


# Time that the end of the program waits for the threads, in seconds. A session that was closed just before should be
# destroyed before the clean-up of its library runs; a plugin that hangs should not delay the end for longer.
_GRACE_S = 1.0

_num_running = 0
_ended = threading.Condition()  # reentrant: a destructor, which may run anywhere, may start a thread


def start_thread(name: str, target: Callable[[], object]) -> None:
    """Runs a function in a daemon thread. The end of the program waits for it for 1 s at most.

    Raises:
        RuntimeError: The system has no more threads, or the program is ending.
    """
    global _num_running
    thread = threading.Thread(target=_run, args=(target,), name=f"livekit_utils {name}", daemon=True)
    with _ended:
        _num_running += 1
    try:
        thread.start()
    except BaseException:
        _end()
        raise


def try_start_thread(name: str, target: Callable[[], object]) -> None:
    """Does what `start_thread` does, for clean-up: an error is logged. While the program ends, it does nothing."""
    if sys.is_finalizing():
        return
    try:
        start_thread(name, target)
    except RuntimeError as error:
        logger.error("cannot %s: %s", name, error)


def _run(target: Callable[[], object]) -> None:
    try:
        target()
    finally:
        _end()


def _end() -> None:
    global _num_running
    with _ended:
        _num_running -= 1
        _ended.notify_all()


def _forget_threads() -> None:
    global _num_running, _ended
    _num_running, _ended = 0, threading.Condition()


# A forked child has none of the threads, and perhaps a lock that one of them held.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


# Registered on import, not with the first thread: exit handlers run in reverse order, so this one comes after those of
# the program, which may still close sessions. It costs nothing while no thread runs.
@atexit.register
def _wait_a_moment() -> None:
    with _ended:
        _ended.wait_for(lambda: _num_running == 0, _GRACE_S)
