"""An event loop whose clock jumps: an hour of waiting takes as long as the work in it."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# Turns of the loop at one time, after which nobody will let the clock move on.
_MAX_TURNS = 300_000


class JumpingSelector(selectors.DefaultSelector):
    """Where a selector would sleep, the clock moves on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self._turns_at, self._num_turns = self.now, 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("deadlock: every task waits for another, and no timer is set")
        self.now += max(timeout, 0)
        if self._turns_at != self.now:
            self._turns_at, self._num_turns = self.now, 0
        self._num_turns += 1
        if self._num_turns > _MAX_TURNS:
            raise RuntimeError("livelock: somebody always has something to do, and the clock stands still")
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self, selector: type[JumpingSelector] = JumpingSelector) -> None:
        self._jumping = selector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def block(self, seconds: float) -> None:
        """What a task does that computes for so long without giving way."""
        self._jumping.now += seconds


def run(main: Coroutine[Any, Any, T], selector: type[JumpingSelector] = JumpingSelector) -> T:
    """asyncio.run in virtual time; fails on what nobody else looks at: exceptions in callbacks, and
    tasks that are left over."""
    complaints: list[str] = []

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(str(context)))
        result = await main
        for _ in range(3):
            await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"
        return result

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(selector)) as runner:
        result = runner.run(watched())
    assert not complaints, complaints
    return result
