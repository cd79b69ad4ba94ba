"""Interruption: a Ctrl-C that ends a command in order."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Self


class Interruption:
    """From `expect` to the end of the with block, a Ctrl-C is noted instead of thrown; so is a SIGTERM, which comes as
    one. An impatient second one cannot lose what the first one is about to save; nor, while the program ends, make it
    look as if nothing had been saved.

    Threads: the main one, which alone may handle signals.
    """

    def __init__(self) -> None:
        self.is_set = False

    def expect(self) -> None:
        signal.signal(signal.SIGINT, self._note)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        self.is_set = True

    def __enter__(self) -> Self:
        self._before = signal.getsignal(signal.SIGINT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        # Not a function of ours, which Python would replace by the default when it ends.
        signal.signal(signal.SIGINT, signal.SIG_IGN if self.is_set else self._before)
