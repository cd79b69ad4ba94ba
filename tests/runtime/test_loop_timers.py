"""LoopTimers: never early, in order, and nothing is left of them. How late they are depends on the machine."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from livekit_utils._runtime import loop_timers
from livekit_utils._runtime.loop_timers import LoopTimers
from livekit_utils._runtime.timer_fd import TimerFd
from tests.support.virtual_time import VirtualTimeLoop, run

NAME = contextvars.ContextVar("NAME", default="nobody")

real_timers = pytest.mark.skipif(
    sys.platform != "linux" or os.environ.get("LIVEKIT_UTILS_LOOP", "asyncio") != "asyncio",
    reason="the loop has no timer among its file descriptors",
)


def timer_fds() -> int:
    links = []
    for fd in Path("/proc/self/fd").iterdir():
        try:
            links.append(os.readlink(fd))
        except FileNotFoundError:  # it was that of the folder
            continue
    return sum("timerfd" in link for link in links)


def without_timer_fd(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise OSError("no timerfd_create")

    monkeypatch.setattr(loop_timers, "TimerFd", refuse)


@pytest.mark.parametrize("has_timer_fd", [True, False])
def test_calls_come_in_order_and_never_early(has_timer_fd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_timer_fd:
        without_timer_fd(monkeypatch)
    called: list[tuple[float, float]] = []
    rounds_s = 0.0

    async def main() -> None:
        nonlocal rounds_s
        loop = asyncio.get_running_loop()
        timers, start, done = LoopTimers.of(loop), loop.time(), loop.create_future()
        # uvloop has timers of its own, as the loop where there is no file descriptor.
        rounds_s = 0.0 if has_timer_fd and isinstance(loop, asyncio.SelectorEventLoop) else 0.002

        def call(due: float) -> None:
            called.append((due, loop.time()))
            if due == start + 0.03:
                done.set_result(None)

        for due in (0.03, 0.01, 0.02, 0.01, -1.0):
            timers.call_at(start + due, call, start + due)
        await done
        cancelled = [timers.call_at(start + 0.035, pytest.fail), timers.call_at(start + 0.05, pytest.fail)]
        whens = [start + 0.035, start + 0.05]
        assert [timer.when() for timer in cancelled] == pytest.approx(whens, abs=2 * rounds_s)
        for timer in cancelled:
            timer.cancel()
        again = loop.create_future()
        timers.call_at(start + 0.06, again.set_result, None)
        await again

    asyncio.run(main())
    assert [due for due, _ in called] == sorted(due for due, _ in called)
    assert len(called) == 5
    assert all(at >= due - rounds_s for due, at in called)


@real_timers
def test_a_call_that_comes_meanwhile_leaves_the_loop_a_turn() -> None:
    """Even if it is due at once, again and again."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers, others = LoopTimers.of(loop), 0

        def again(left: int) -> None:
            if left:
                timers.call_at(loop.time() - 1, again, left - 1)
            else:
                done.set_result(others)

        done = loop.create_future()
        again(20)
        while not done.done():
            others += 1
            await asyncio.sleep(0)
        assert await done >= 19

    asyncio.run(main())


@real_timers
def test_a_call_that_takes_long_does_not_make_the_next_one_late() -> None:
    """The file descriptor's timer runs from when it is set."""
    waits_s: list[float] = []

    class Seen(TimerFd):
        def set(self, seconds: float) -> None:
            waits_s.append(seconds)
            super().set(seconds)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers, done, now = LoopTimers.of(loop), loop.create_future(), loop.time()

        def take_long() -> None:
            time.sleep(0.1)
            done.set_result(loop.time())

        timers.call_at(now + 0.001, take_long)
        next_one = timers.call_at(now + 3600, pytest.fail)
        ended_at = await done
        assert 3600 - 60 < waits_s[-1] <= now + 3600 - ended_at + 1e-6
        next_one.cancel()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop_timers, "TimerFd", Seen)
        asyncio.run(main())


@real_timers
def test_calls_that_were_cancelled_are_not_kept() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        timers = LoopTimers.of(loop)
        kept = [timers.call_at(loop.time() + 3600 + number, pytest.fail) for number in range(100)]
        for _ in range(10_000):
            timers.call_at(loop.time() + 7200, pytest.fail).cancel()
        assert len(timers._calls) < 400
        done = loop.create_future()
        timers.call_at(loop.time(), done.set_result, None)
        await done
        for call in kept:
            call.cancel()

    asyncio.run(main())


@real_timers
def test_an_error_stops_no_other_call() -> None:
    complaints: list[dict[str, Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        timers, when, done = LoopTimers.of(loop), loop.time(), loop.create_future()

        def fail() -> None:
            raise OSError("no good")

        timers.call_at(when, fail)
        timers.call_at(when, done.set_result, None)
        await done

    asyncio.run(main())
    assert [str(context["exception"]) for context in complaints] == ["no good"]


@pytest.mark.parametrize("has_timer_fd", [True, False])
def test_a_call_has_the_context_of_who_asked_for_it(has_timer_fd: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_timer_fd:
        without_timer_fd(monkeypatch)
    seen: list[str] = []

    async def ask(name: str) -> None:
        NAME.set(name)
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        LoopTimers.of(loop).call_at(loop.time(), lambda: done.set_result(NAME.get()))
        seen.append(await done)

    async def main() -> None:
        for name in ("one", "two"):
            await asyncio.create_task(ask(name))

    asyncio.run(main())
    assert seen == ["one", "two"]


@real_timers
def test_nothing_is_left_of_a_loop_that_is_closed() -> None:
    """Without the garbage collector, and while others hold the loop."""
    gc.collect()
    before = timer_fds()
    loops = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        for _ in range(3):
            LoopTimers.of(loop).call_at(loop.time() + 100, pytest.fail)
        assert timer_fds() == before + 1
        loops.append(loop)

    gc.disable()
    try:
        for _ in range(3):
            asyncio.run(main())
        assert timer_fds() == before
    finally:
        gc.enable()


@real_timers
def test_a_forked_child_has_its_own() -> None:
    def wait() -> None:
        async def main() -> None:
            loop = asyncio.get_running_loop()
            done = loop.create_future()
            LoopTimers.of(loop).call_at(loop.time() + 0.001, done.set_result, None)
            await done

        asyncio.run(main())

    wait()
    child = os.fork()
    if not child:
        try:
            wait()
        finally:
            os._exit(0 if sys.exc_info()[0] is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    wait()


def test_a_clock_that_jumps_has_the_timers_of_its_loop() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        start, done = loop.time(), loop.create_future()
        LoopTimers.of(loop).call_at(start + 3600, done.set_result, None)
        await done
        assert loop.time() == start + 3600

    run(main())
