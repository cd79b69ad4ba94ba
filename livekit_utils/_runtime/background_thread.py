"""Threads for calls into native code (plugins, sound systems) that may never come back."""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from collections.abc import Callable

logger = logging.getLogger("livekit_utils")

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
