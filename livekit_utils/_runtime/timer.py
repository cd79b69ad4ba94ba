"""Timer: a call to come."""

from __future__ import annotations

from typing import Protocol


class Timer(Protocol):
    """A call to come, as asyncio's TimerHandle."""

    def when(self) -> float: ...
    def cancel(self) -> None: ...
