"""OutputPlayer on devices that take sound in bursts, and with an event loop that is late, in virtual time."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable

import numpy as np
import pytest

from livekit_utils import OutputPlayer
from tests.support.sound_card import SoundCard, plug_in
from tests.support.speakers import BLOCK, RATE, at_once, heard, in_time, player, ramp
from tests.support.virtual_time import run


def bursts(size: int, block: int = BLOCK, rate: int = RATE) -> Callable[[int], float]:
    """The lateness of the blocks of a device that takes `size` samples at once."""
    return lambda n: (math.ceil(n * block / size) * size - n * block) / rate


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("size", [1024, 2048, 4096])
@pytest.mark.parametrize("rate", [48_000, 44_100])
def test_a_device_that_takes_sound_in_bursts_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, size: int, rate: int, live: bool
) -> None:
    card = plug_in(monkeypatch, SoundCard(rate, lateness=bursts(size, rate // 100, rate)))
    samples = ramp(10 * RATE)

    async def main() -> None:
        async with player() as speaker:
            await speaker.start()
            await asyncio.sleep(1.503)
            speaker.add_stream(in_time(samples) if live else at_once(samples), live=live)
            await asyncio.sleep(5)
            assert speaker.latency <= 0.02 + size / rate + 0.0201
            await asyncio.sleep(5.3)
            stats = speaker.stats()
            assert (stats.gap_ms, stats.num_gaps, stats.dropped_ms) == (0, 0, 0)

    run(main())
    if rate == RATE:
        assert np.array_equal(heard(card), samples)
    assert not caplog.records


@pytest.mark.parametrize("block", [104, 240, 441, 512, 1000, 2048])
def test_a_device_of_odd_blocks_loses_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    card = plug_in(monkeypatch, SoundCard())
    samples = ramp(20 * RATE)
    most = 0.0

    async def main() -> None:
        nonlocal most
        async with OutputPlayer(None, RATE, 1, None, blocksize=block) as speaker:
            await speaker.start()
            await asyncio.sleep(0.503)
            speaker.add_stream(in_time(samples), live=True)
            for _ in range(200):
                await asyncio.sleep(0.1003)
                most = max(most, speaker.stats().queued_ms)
            stats = speaker.stats()
            assert (stats.gap_ms, stats.dropped_ms) == (0, 0)

    run(main())
    assert np.array_equal(heard(card), samples)
    assert most <= block * 1000 / RATE + 10 + 2.1


@pytest.mark.parametrize("live", [True, False])
def test_bursts_that_begin_and_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, live: bool
) -> None:
    bursting = False
    late = bursts(2048)
    plug_in(monkeypatch, SoundCard(lateness=lambda n: late(n) if bursting else 0.0))

    async def main() -> None:
        nonlocal bursting
        async with player() as speaker:
            speaker.add_stream(in_time(ramp(60 * RATE)) if live else at_once(ramp(60 * RATE)), live=live)
            await speaker.start()
            await asyncio.sleep(5)
            before = speaker.stats()
            assert before.depth_ms == pytest.approx(20, abs=0.1)
            bursting = True
            await asyncio.sleep(1)
            adapted = speaker.stats()
            assert adapted.gap_ms <= 50  # once
            assert adapted.depth_ms >= 43
            await asyncio.sleep(10)
            assert speaker.stats().gap_ms == adapted.gap_ms
            bursting = False
            await asyncio.sleep(20)
            after = speaker.stats()
            assert after.queued_ms <= before.queued_ms + 11
            assert after.depth_ms <= before.depth_ms + 20  # what came late is remembered for longer
            assert after.gap_ms == adapted.gap_ms
            assert after.dropped_ms <= 60

    run(main())
    assert not caplog.records


def test_an_event_loop_that_is_late_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, SoundCard())
    samples = ramp(120 * RATE)
    stalls = {}
    for i in range(500, 6000, 1000):  # every ten seconds, 20 ms, for a minute
        stalls.update({i: 0.02, i + 1: 0.01})
    stats = []

    async def main() -> None:
        async with player() as speaker:
            await speaker.start()
            await asyncio.sleep(0.503)
            speaker.add_stream(in_time(samples, stalls), live=True)
            for _ in range(119):
                await asyncio.sleep(1)
                stats.append(speaker.stats())

    run(main())
    assert stats[4].queued_ms <= 10
    assert stats[7].gap_ms <= 20  # the first one
    assert stats[-1].gap_ms == stats[7].gap_ms  # and no other
    assert all(20 <= each.queued_ms <= 40 for each in stats[10:55])
    assert stats[-1].queued_ms <= 10


@pytest.mark.parametrize("block", [240, 480])
@pytest.mark.parametrize("phase_ms", [0.3, 2.3, 3.3, 5.3, 7.3, 9.3])
@pytest.mark.parametrize("late_ms", [3, 6, 9, 13])
def test_a_late_frame_costs_no_more_than_it_is_late(
    monkeypatch: pytest.MonkeyPatch, block: int, phase_ms: float, late_ms: float
) -> None:
    """Whatever is kept in reserve because others have come late before."""
    plug_in(monkeypatch, SoundCard())
    late = dict.fromkeys(range(50, 300, 50), 0.002)
    for i in range(500, 1501, 500):
        late[i] = late_ms / 1000
        late[i + 1] = max(0.0, late_ms - 10) / 1000

    async def main() -> None:
        async with OutputPlayer(None, RATE, 1, None, blocksize=block) as speaker:
            await speaker.start()
            await asyncio.sleep(0.5 + phase_ms / 1000)
            speaker.add_stream(in_time(ramp(18 * RATE), late), live=True)
            await asyncio.sleep(4)
            before = speaker.stats()
            await asyncio.sleep(3)
            after = speaker.stats()
            await asyncio.sleep(10)
            last = speaker.stats()
            assert before.gap_ms == 0
            # Two milliseconds are kept in reserve, and the device takes whole blocks.
            block_ms = block * 1000 / RATE
            assert after.gap_ms <= math.ceil((late_ms - 2) / block_ms) * block_ms
            assert last.gap_ms == after.gap_ms
            assert last.dropped_ms == 0

    run(main())


def test_gaps_that_repeat_are_said_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    plug_in(monkeypatch, SoundCard())

    async def main() -> None:
        async with player() as speaker:
            await speaker.start()
            # More than is bridged, every second.
            late = {i + j: 0.1 - j * 0.01 for i in range(100, 1500, 100) for j in range(10)}
            speaker.add_stream(in_time(ramp(30 * RATE), late), live=True)
            await asyncio.sleep(29)
            stats = speaker.stats()
            assert stats.num_gaps >= 10
            assert stats.gap_ms >= 10 * 40

    with caplog.at_level(logging.WARNING):
        run(main())
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 1
    assert "gaps" in messages[0]


@pytest.mark.parametrize("buffer_ms", [0, 10, 100])
def test_a_buffer_of_the_user(monkeypatch: pytest.MonkeyPatch, buffer_ms: float) -> None:
    plug_in(monkeypatch, SoundCard())

    async def main() -> None:
        async with player(buffer_ms=buffer_ms) as speaker:
            speaker.add_stream(at_once(ramp(5 * RATE)))
            await speaker.start()
            await asyncio.sleep(2)
            # In the ring; as much as two blocks have been read ahead.
            assert speaker.latency == pytest.approx(0.02 + max(0.01, buffer_ms / 1000), abs=0.0001)

    run(main())


@pytest.mark.parametrize("block", [240, 480, 2400])
def test_a_stall_that_a_buffer_does_not_bridge_costs_no_more_than_itself(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    plug_in(monkeypatch, SoundCard())
    late = {600 + i: 0.25 - i * 0.01 for i in range(25)}

    async def main() -> None:
        async with OutputPlayer(None, RATE, 1, None, blocksize=block, buffer_ms=200) as speaker:
            await speaker.start()
            await asyncio.sleep(0.513)
            speaker.add_stream(in_time(ramp(12 * RATE), late), live=True)
            await asyncio.sleep(12.2)
            stats = speaker.stats()
            assert stats.gap_ms <= 120
            assert stats.dropped_ms <= 120

    run(main())


@pytest.mark.parametrize("block", [240, 480, 2400])
def test_a_live_stream_behind_a_buffer_loses_nothing_and_bridges_as_much(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    card = plug_in(monkeypatch, SoundCard())
    samples = ramp(12 * RATE)
    late = {600 + i: 0.18 - i * 0.01 for i in range(18)}

    async def main() -> None:
        async with OutputPlayer(None, RATE, 1, None, blocksize=block, buffer_ms=200) as speaker:
            await speaker.start()
            await asyncio.sleep(0.513)
            speaker.add_stream(in_time(samples, late), live=True)
            await asyncio.sleep(12.5)
            stats = speaker.stats()
            assert (stats.gap_ms, stats.dropped_ms) == (0, 0)

    run(main())
    assert np.array_equal(heard(card), samples)
