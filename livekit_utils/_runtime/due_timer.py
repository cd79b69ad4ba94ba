"""DueTimer: the one timer of an object that has something to do at times that change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livekit_utils._runtime.loop_timers import LoopTimers
from livekit_utils._runtime.timer import Timer

# Time in seconds after which a timer may be set again for what was not due yet when it fired.
_AGAIN_S = 0.001


class DueTimer:
    """Calls back when something is due.

    A timer that is set for the same again stays as it is. A loop may wake too early, because uvloop has whole
    milliseconds, and would again: the next timer for the same is a millisecond away at least.
    """

    def __init__(self) -> None:
        self._timer: Timer | asyncio.Handle | None = None
        self._set_for: tuple[float, float] | None = None
        self._woken_for = 0.0

    def set(self, timers: LoopTimers, when: float, due: float, now: float, callback: Callable[[], object]) -> None:
        """Replaces the timer.

        Args:
            when: When it is to fire, for what is `due` at that time or later.
        """
        if self._set_for != (when, due):
            if self._timer is not None:
                self._timer.cancel()
            self._set_for = (when, due)
            if self._woken_for == due:
                when = max(when, now + _AGAIN_S)
            self._timer = timers.call_at(when, self._on_time, due, callback)

    def set_soon(self, loop: asyncio.AbstractEventLoop, callback: Callable[[], object]) -> None:
        """Replaces the timer by one that fires when other tasks have had a turn."""
        self.cancel()
        self._timer = loop.call_soon(callback)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._set_for = None

    def _on_time(self, due: float, callback: Callable[[], object]) -> None:
        self._timer = self._set_for = None
        self._woken_for = due
        callback()
