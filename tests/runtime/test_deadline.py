"""Deadline: waits that start over, and loops that are held up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from livekit_utils._runtime.deadline import Deadline
from tests.support.virtual_time import VirtualTimeLoop, run

TIMEOUT_S = 0.1
BEGIN_S = 1000.0


def calls(script: Callable[[Deadline, VirtualTimeLoop], Awaitable[None]]) -> list[float]:
    """When the deadline called back, in seconds from the beginning."""
    called: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        deadline = Deadline(TIMEOUT_S, lambda: called.append(loop.time() - BEGIN_S))
        await script(deadline, loop)
        await asyncio.sleep(1000)
        assert not deadline.running
        deadline.close()

    run(main())
    return called


def test_it_is_due_one_timeout_after_its_start() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())

    assert calls(script) == pytest.approx([0.1])


def test_each_start_begins_anew() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        for _ in range(100):
            deadline.start(loop.time())
            await asyncio.sleep(0.01)

    assert calls(script) == pytest.approx([0.99 + 0.1])


def test_a_start_that_lies_back_is_due_earlier_than_the_one_before() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        await asyncio.sleep(1)
        deadline.start(loop.time())
        deadline.start(loop.time() - 0.07)

    assert calls(script) == pytest.approx([1.03])


def test_it_can_be_made_due_at_once() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.expire()  # there is nothing to expire
        deadline.start(loop.time())
        await asyncio.sleep(0.02)
        deadline.expire()

    assert calls(script) == pytest.approx([0.02])


@pytest.mark.parametrize("since", [0.0, BEGIN_S, BEGIN_S + 0.5])
def test_a_time_that_is_stale_costs_one_timeout_at_most(since: float) -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        await asyncio.sleep(60)
        deadline.start(since)

    assert calls(script) == pytest.approx([60 + TIMEOUT_S])


def test_a_start_that_lies_ahead() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time() + 0.3)

    assert calls(script) == pytest.approx([0.4])


def test_what_is_cleared_is_not_due() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())
        await asyncio.sleep(0.05)
        deadline.clear()

    assert calls(script) == []


@pytest.mark.parametrize("held_s", [0.0451, 0.0555, 0.1, 60.0])
def test_a_loop_that_was_held_up_gets_one_more_timeout(held_s: float) -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())
        await asyncio.sleep(0.04)
        loop.block(held_s)

    assert calls(script) == pytest.approx([0.04 + held_s + TIMEOUT_S])


def test_a_short_hold_within_the_wait_changes_nothing() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())
        await asyncio.sleep(0.01)
        loop.block(0.06)

    assert calls(script) == pytest.approx([0.1])


def test_a_loop_that_is_held_up_again_and_again_is_not_waited_for_without_end() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())
        for _ in range(10):
            loop.block(0.15)
            await asyncio.sleep(0)

    assert len(calls(script)) == 1
    assert calls(script)[0] < 1.0  # of 1.5 s in which it is held up


def test_what_was_added_to_one_wait_is_not_added_to_the_next() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())
        loop.block(60)
        await asyncio.sleep(0.01)
        deadline.start(loop.time())

    assert calls(script) == pytest.approx([60.01 + TIMEOUT_S])


def test_a_start_that_lies_back_is_no_sign_of_a_loop_that_was_held_up() -> None:
    async def script(deadline: Deadline, loop: VirtualTimeLoop) -> None:
        deadline.start(loop.time())
        await asyncio.sleep(0.08)
        deadline.start(loop.time() - 0.08)

    assert calls(script) == pytest.approx([0.1])
