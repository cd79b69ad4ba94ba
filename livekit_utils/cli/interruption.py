"""Lets Ctrl-C, and the other signals that end a program, end a command in order."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from livekit_utils._runtime.ending_signals import ending_signals

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType, TracebackType
    from typing import Self, TypeAlias

    Handler: TypeAlias = Callable[[int, FrameType | None], Any]

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ending_signals()}
    for number in before:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            # An Interruption may have come to expect them, for longer.
            if signal.getsignal(number) == handler:
                signal.signal(number, old)


class _Cancellation:
    """Cancels a task when a signal comes; a second one raises KeyboardInterrupt at once."""

    def __init__(self) -> None:
        self.num_signals = 0
        self.task: asyncio.Task[Any] | None = None

    def handle(self, signum: int, frame: FrameType | None) -> None:
        self.num_signals += 1
        if self.num_signals > 1:
            raise KeyboardInterrupt
        if self.task is not None:
            self.task.cancel()
            self.task.get_loop().call_soon_threadsafe(lambda: None)  # wakes the loop, which may be waiting


def run(main: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs a coroutine function in a new event loop. The signals that end a command cancel it; a second one interrupts
    it at once. asyncio.run alone does so for SIGINT only, and not where that is ignored.

    Raises:
        KeyboardInterrupt: A signal came.

    Threads: only the main thread may handle signals.
    """
    cancellation = _Cancellation()

    async def cancellable() -> T:
        cancellation.task = asyncio.current_task()
        try:
            # Not before a task waits for it: Python warns of a coroutine that nobody awaits.
            if cancellation.num_signals:
                raise KeyboardInterrupt
            return await main(*args, **kwargs)
        except asyncio.CancelledError:
            if cancellation.num_signals:
                raise KeyboardInterrupt from None
            raise
        finally:
            cancellation.task = None

    with _handled_by(cancellation.handle):
        result = asyncio.run(cancellable())
    if cancellation.num_signals:
        raise KeyboardInterrupt
    return result


class Interruption:
    """Notes the signals that end a command instead of acting on them, from `expect` to the end of the with block.

    A second one is ignored: it cannot stop the command while it saves its result, nor make the program exit as if
    nothing had been saved.

    Threads: only the main thread may handle signals.
    """

    def __init__(self) -> None:
        self.is_set = False

    def expect(self) -> None:
        """Begins to note."""
        for number in self._before:
            signal.signal(number, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.is_set = True

    def __enter__(self) -> Self:
        self._before = {number: signal.getsignal(number) for number in ending_signals()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            # SIG_IGN, because Python restores the default for functions when it exits.
            signal.signal(number, signal.SIG_IGN if self.is_set else before)
