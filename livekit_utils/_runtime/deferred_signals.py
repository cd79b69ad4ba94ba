"""Holds signals back while a library calls Python."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# Those whose handlers raise: of the user, the system and timers. Looking at all 64 takes 0.2 ms.
_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK", "SIGALRM", "SIGUSR1", "SIGUSR2")
_SIGNALS = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Calls the handlers of signals after the with block.

    A handler runs wherever Python runs, also in the functions that a C library calls, and these cannot pass on what it
    raises: Ctrl-C would be lost, and look like an error of the function. The block must be short.

    Threads: any; handlers run in the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers: dict[signal.Signals, Any] = {}
    arrived: list[signal.Signals] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if signum not in arrived:
            arrived.append(signal.Signals(signum))

    try:
        for number in _SIGNALS:
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
                signal.signal(number, note)
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for number in arrived:
            handlers[number](number, None)
