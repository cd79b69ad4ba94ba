"""Deadline: a timer that is started and cleared often, and is due seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A timer that fires this late says that the event loop was held up.
_BLOCKED_S = 0.02


class Deadline:
    """Calls back once a wait has lasted for `timeout_s`.

    The loop's timer is not moved when the wait is: it is looked at when it fires, and set anew if it was too early.
    That costs a few timers per second however often the wait starts over.

    A loop that was held up cannot tell a late event from one it has not come to yet. A wait that is found overdue for
    that reason gets one more `timeout_s`, once.
    """

    def __init__(self, timeout_s: float, on_due: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._on_due = on_due
        self._due: float | None = None
        self._extra = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def timeout_s(self) -> float:
        return self._timeout_s

    @property
    def running(self) -> bool:
        return self._due is not None

    def start(self, since: float) -> None:
        """The wait began at this time of the loop; replaces what was set before."""
        self._due = since + self._timeout_s + self._extra
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_at(self._due, self._on_timer)

    def clear(self) -> None:
        """There is nothing to wait for."""
        self._due = None
        self._extra = 0.0

    def close(self) -> None:
        self.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if self._due is None:
            return
        loop = asyncio.get_running_loop()
        overdue = loop.time() - self._due
        if overdue > _BLOCKED_S and not self._extra:
            self._extra = overdue + self._timeout_s
            self._due += self._extra
        elif overdue >= 0:
            self.clear()
            self._on_due()
            return
        self._timer = loop.call_at(self._due, self._on_timer)
