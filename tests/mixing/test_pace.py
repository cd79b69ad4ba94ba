"""Pace and BlockClock: what is live, and when a block is due."""

from __future__ import annotations

import asyncio

import pytest

from livekit_utils.mixing.block_clock import BlockClock
from livekit_utils.mixing.pace import Pace
from tests.support.virtual_time import VirtualTimeLoop, run


def test_sound_that_is_waited_for_is_live_after_300_ms() -> None:
    pace = Pace()
    assert [pace.see(0.01, 0.01) for _ in range(40)].index(True) == pytest.approx(30, abs=3)


def test_sound_that_is_there_is_not_live() -> None:
    pace = Pace()
    assert not any(pace.see(0.0, 0.01) for _ in range(1000))
    assert not any(pace.see(5.0 if i % 100 == 0 else 0.0, 0.01) for i in range(1000))  # utterances, and pauses


def test_a_burst_after_a_stall_changes_nothing_and_a_file_does() -> None:
    pace = Pace()
    for _ in range(100):
        pace.see(0.01, 0.01)
    assert pace.is_live
    pace.see(2.0, 0.01)
    assert all(pace.see(0.0, 0.01) for _ in range(190))
    assert not all(pace.see(0.0, 0.01) for _ in range(100))


class Counter:
    def __init__(self) -> None:
        self.times: list[float] = []

    def call(self) -> None:
        self.times.append(asyncio.get_running_loop().time())


def test_blocks_are_due_at_multiples_and_a_hold_up_is_made_up_for() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        counter = Counter()
        clock = BlockClock(441, 44_100, counter.call)
        start = loop.time()
        clock.start()
        await asyncio.sleep(1.005)
        assert counter.times == pytest.approx([start + (i + 1) * 0.01 for i in range(100)], abs=0.0011)
        loop.block(0.2)
        await asyncio.sleep(0.1)
        assert clock.num_skipped == 0
        assert len(counter.times) == pytest.approx(130, abs=1)
        loop.block(2.0)
        await asyncio.sleep(0.1)
        assert clock.num_skipped == pytest.approx(199, abs=2)
        assert len(counter.times) + clock.num_skipped == pytest.approx(340, abs=2)
        clock.close()
        count = len(counter.times)
        await asyncio.sleep(1)
        assert len(counter.times) == count

    run(main())


def test_a_clock_stops_when_nobody_has_its_object() -> None:
    async def main() -> None:
        counter = Counter()
        times = counter.times
        clock = BlockClock(480, 48_000, counter.call)
        clock.start()
        await asyncio.sleep(0.1)
        del counter
        count = len(times)
        await asyncio.sleep(1)
        assert len(times) == count

    run(main())
