"""Deadline: a timer that is started and cleared often, and is due seldom."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A timer that fires this late means that the event loop was held up: timers of an idle loop are 1 to 2 ms late. For
# timeouts below 80 ms it is a quarter of the timeout.
_BLOCKED_S = 0.02


class Deadline:
    """Calls back when a wait has lasted for `timeout_s`.

    Moving the wait does not move the loop's timer: when the timer fires early, it is set again. That costs a few timers
    per second, however often the wait starts over.

    A loop that was held up has events that it has not read yet, and one of them may end the wait. So the deadline also
    looks at the clock shortly before it is due. If the loop comes late to either, it was held up, and the wait gets one
    more `timeout_s`, once.
    """

    def __init__(self, timeout_s: float, on_due: Callable[[], None]) -> None:
        self._timeout_s = timeout_s
        self._on_due = on_due
        self._blocked_s = min(_BLOCKED_S, timeout_s / 4)
        self._margin_s = 2 * self._blocked_s
        self._due: float | None = None
        self._looked = False  # whether the look before the due time is over
        self._extended = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    @property
    def timeout_s(self) -> float:
        return self._timeout_s

    @property
    def running(self) -> bool:
        return self._due is not None

    def start(self, since: float) -> None:
        """Begins a wait at this time of the loop, which may lie ahead; it replaces the one before."""
        self._due = since + self._timeout_s
        self._looked = self._extended = False
        if self._timer is None:
            self._set_timer()
        elif self._timer_at > self._due - self._margin_s:  # it would be late, and the loop seem to be held up
            self._timer.cancel()
            self._set_timer()

    def expire(self) -> None:
        """Makes a wait due at once, if there is one."""
        if self._due is not None and self._timer is not None:
            self._due = asyncio.get_running_loop().time()
            self._looked = True
            self._timer.cancel()
            self._set_timer()

    def clear(self) -> None:
        """Ends the wait without a call."""
        self._due = None

    def close(self) -> None:
        """Ends the wait, and takes the timer out of the loop."""
        self.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        assert self._due is not None
        loop = asyncio.get_running_loop()
        if self._due - self._margin_s <= loop.time():
            self._looked = True  # it is too late for the first look
        self._timer_at = self._due if self._looked else self._due - self._margin_s
        self._timer = loop.call_at(self._timer_at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self._due is None:
            return
        now = asyncio.get_running_loop().time()
        look = self._due if self._looked else self._due - self._margin_s
        if now - look > self._blocked_s and not self._extended:
            self._due = now + self._timeout_s
            self._looked, self._extended = False, True
        elif now >= self._due:
            self.clear()
            self._on_due()
            return
        elif now >= look:
            self._looked = True
        self._set_timer()
