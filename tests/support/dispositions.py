"""What the programs that tests start do on signals: the default, even where the tests run in the background.

A shell makes what it runs in the background ignore SIGINT and SIGQUIT, nohup makes it ignore SIGHUP, and a program
hands on what it ignores to those that it starts.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGQUIT", "SIGHUP", "SIGTERM")


@contextmanager
def default_for_children() -> Iterator[None]:
    """Ignores by a function what was ignored: this process goes on to ignore it, the programs that it starts do not."""
    ignored = [
        signal.Signals[name]
        for name in _NAMES
        if name in signal.Signals.__members__ and signal.getsignal(signal.Signals[name]) is signal.SIG_IGN
    ]
    for number in ignored:
        signal.signal(number, lambda signum, frame: None)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, signal.SIG_IGN)
