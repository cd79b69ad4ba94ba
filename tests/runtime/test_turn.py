"""Turn: one task after another."""

from __future__ import annotations

import asyncio

import pytest

from livekit_utils._runtime.turn import Turn
from tests.support.virtual_time import run


def test_a_turn_is_taken_by_one_at_a_time_first_come_first_served() -> None:
    order: list[int] = []

    async def main() -> None:
        turn, inside = Turn(), 0

        async def work(number: int) -> None:
            nonlocal inside
            await turn.take()
            inside += 1
            assert inside == 1
            await asyncio.sleep(1)
            order.append(number)
            inside -= 1
            turn.give_back()

        await asyncio.gather(*(work(number) for number in range(5)))
        assert not turn.is_taken

    run(main())
    assert order == [0, 1, 2, 3, 4]


def test_nobody_passes_those_who_wait() -> None:
    """A turn that is given back belongs to the next one, before that one's task goes on."""

    async def main() -> None:
        turn = Turn()
        assert turn.take_at_once()
        waiting = asyncio.create_task(turn.take())
        await asyncio.sleep(0)
        turn.give_back()
        assert not turn.take_at_once()
        await waiting
        turn.give_back()
        assert turn.take_at_once()

    run(main())


@pytest.mark.parametrize("given_back_before", [False, True])
def test_a_cancelled_wait_leaves_the_turn_to_the_next(given_back_before: bool) -> None:
    async def main() -> None:
        turn = Turn()
        assert turn.take_at_once()
        first, second = asyncio.create_task(turn.take()), asyncio.create_task(turn.take())
        await asyncio.sleep(0)
        if given_back_before:
            turn.give_back()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        if not given_back_before:
            turn.give_back()
        await second
        turn.give_back()
        assert not turn.is_taken

    run(main())
