"""DueTimer: set for the same it stays, and it does not spin where a loop wakes too early."""

from __future__ import annotations

import asyncio

from livekit_utils._runtime.due_timer import DueTimer
from livekit_utils._runtime.loop_timers import LoopTimers
from tests.support.virtual_time import run


def test_the_last_one_counts() -> None:
    async def main() -> None:
        loop, timer, calls = asyncio.get_running_loop(), DueTimer(), list[float]()
        timers, now = LoopTimers.of(loop), loop.time()

        def call() -> None:
            calls.append(loop.time() - now)

        timer.set(timers, now + 1, now + 1, now, call)
        timer.set(timers, now + 1, now + 1, now, call)
        await asyncio.sleep(2)
        assert calls == [1.0]
        timer.set(timers, now + 3, now + 3, now, call)
        timer.set(timers, now + 4, now + 4, now, call)
        await asyncio.sleep(3)
        assert calls == [1.0, 4.0]
        timer.set(timers, now + 6, now + 6, now, call)
        timer.cancel()
        timer.set_soon(loop, call)
        timer.cancel()
        await asyncio.sleep(3)
        timer.set_soon(loop, call)
        await asyncio.sleep(3)
        assert calls == [1.0, 4.0, 8.0]

    run(main())


def test_for_what_was_not_due_yet_it_is_set_a_millisecond_later() -> None:
    async def main() -> None:
        loop, timer, calls = asyncio.get_running_loop(), DueTimer(), list[float]()
        timers, start = LoopTimers.of(loop), loop.time()

        def look() -> None:
            calls.append(round(loop.time() - start, 6))
            if len(calls) < 3:
                timer.set(timers, start + 0.009, start + 0.01, loop.time(), look)

        timer.set(timers, start + 0.009, start + 0.01, start, look)
        await asyncio.sleep(1)
        assert calls == [0.009, 0.01, 0.011]

    run(main())
