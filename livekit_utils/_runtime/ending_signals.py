"""The signals by which users and systems end a program.

Those that a program was started to ignore stay so: nohup ignores SIGHUP, and a shell makes the programs that it runs in
the background ignore SIGINT and SIGQUIT. SIGTERM ends them.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGBREAK")


def ending_signals() -> list[signal.Signals]:
    """Returns those of this system that are not ignored, and SIGTERM."""
    known = [signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__]
    return [number for number in known if number is signal.SIGTERM or signal.getsignal(number) is not signal.SIG_IGN]


def interrupt_on_ending_signals() -> None:
    """Makes all of them raise KeyboardInterrupt, which takes the orderly way out: no unfinished file stays behind.

    Threads: only the main thread may handle signals.
    """
    for number in ending_signals():
        signal.signal(number, _interrupt)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
