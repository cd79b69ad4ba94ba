"""BlockClock in virtual time, turn by turn. All times are sums of powers of two, so that none is rounded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from livekit_utils.mixing.block_clock import BlockClock
from tests.support.virtual_time import VirtualTimeLoop, run

RATE = 64
BLOCK_S = 1 / RATE


class Player:
    """Is called for blocks of one sample."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.clock = BlockClock(1, RATE, self.play)

    def play(self) -> None:
        self.times.append(asyncio.get_running_loop().time())


def loop() -> Any:
    found = asyncio.get_running_loop()
    assert isinstance(found, VirtualTimeLoop)
    return found


async def turns_until_called(player: Player, late_s: float) -> int:
    """Holds the loop up until the next block is so late; returns the turns of the loop until it was called for."""
    before = len(player.times)
    loop().block(player.clock.next_due + late_s - loop().time())
    turns = 0
    while len(player.times) == before:
        turns += 1
        await asyncio.sleep(0)
    return turns


@pytest.mark.parametrize(("late_s", "num_waited"), [(0.0, 0), (0.0099, 0), (0.0101, 3), (0.015, 3), (0.4, 3)])
def test_streams_have_three_turns_after_the_loop_was_held_up(late_s: float, num_waited: int) -> None:
    async def main() -> None:
        punctual, player = Player(), Player()
        punctual.clock.start()
        at_once = await turns_until_called(punctual, 0.0)
        punctual.clock.close()
        player.clock.start()
        for _ in range(3):  # each time anew
            assert await turns_until_called(player, late_s) == at_once + num_waited
            await asyncio.sleep(1)  # what is overdue is made up for
        player.clock.close()

    run(main())


def test_overdue_blocks_have_a_turn_each() -> None:
    async def main() -> None:
        player = Player()
        player.clock.start()
        await turns_until_called(player, 7 * BLOCK_S)
        for count in range(1, 9):
            assert len(player.times) == count
            await asyncio.sleep(0)
        assert len(player.times) == 8
        player.clock.close()

    run(main())


@pytest.mark.parametrize(
    ("late_s", "num_skipped"), [(0.5, 0), (0.5 + BLOCK_S / 2, 32), (0.5 + BLOCK_S, 33), (9.0, 576)]
)
def test_up_to_half_a_second_is_made_up_for(late_s: float, num_skipped: int) -> None:
    async def main() -> None:
        player = Player()
        player.clock.start()
        start = loop().time()
        await turns_until_called(player, late_s)
        await asyncio.sleep(start + 16 - loop().time() - BLOCK_S / 2)
        assert player.clock.num_skipped == num_skipped
        assert len(player.times) == 16 * RATE - 1 - num_skipped
        # And then each in its time again.
        assert player.times[-1] == start + 16 - BLOCK_S
        player.clock.close()

    run(main())


def test_before_the_start_it_has_no_time() -> None:
    clock = Player().clock
    assert (clock.now(), clock.next_due, clock.num_skipped) == (0.0, 0.0, 0)
