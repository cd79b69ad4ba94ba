"""Interruption lets Ctrl-C end a command in order."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self


class Interruption:
    """Notes Ctrl-C instead of raising KeyboardInterrupt, from `expect` to the end of the with block.

    SIGTERM arrives as SIGINT, and counts too. A second Ctrl-C is ignored: it cannot stop the command while it saves its
    result, nor make the program exit as if nothing had been saved.

    Threads: only the main thread may handle signals.
    """

    def __init__(self) -> None:
        self.is_set = False

    def expect(self) -> None:
        """Begins to note Ctrl-C."""
        signal.signal(signal.SIGINT, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.is_set = True

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGINT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # SIG_IGN, because Python restores the default for functions when it exits.
        signal.signal(signal.SIGINT, signal.SIG_IGN if self.is_set else self._before)
