"""OutputPlayer and what comes when it likes, on a sound card in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from livekit_utils import AudioFrame, OutputPlayer
from tests.support.long_runs import shortened
from tests.support.randomness import Rand
from tests.support.sound_card import SoundCard, plug_in
from tests.support.speakers import BLOCK, RATE, at_once, frames, heard, in_time, player, ramp
from tests.support.virtual_time import run


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SoundCard:
    return plug_in(monkeypatch, SoundCard())


def test_a_late_track_does_not_hold_up_the_others(card: SoundCard) -> None:
    samples = ramp(RATE)

    async def main() -> None:
        async with player() as speaker:
            speaker.add_stream(in_time(samples), live=True)
            speaker.add_stream(in_time(np.zeros(RATE, np.int16), {30: 0.3}), live=True)
            await speaker.start()
            await asyncio.sleep(1.3)
            assert speaker.stats().gap_ms == 0
            assert speaker.stats().num_stalls == 1

    run(main())
    assert np.array_equal(heard(card), samples)


def test_a_live_stream_that_stalls_comes_back_without_a_delay(card: SoundCard) -> None:
    samples = ramp(2 * RATE)

    async def main() -> None:
        async with player() as speaker:
            # 300 ms late, and all that is due by then comes at once.
            speaker.add_stream(in_time(samples, {i: max(0.0, 0.3 - (i - 50) * 0.01) for i in range(50, 80)}), live=True)
            await speaker.start()
            await asyncio.sleep(2.2)
            stats = speaker.stats()
            assert 200 <= stats.dropped_ms <= 320
            assert stats.num_stalls == 1
            assert 200 <= stats.gap_ms <= 320

    run(main())
    sound = heard(card)
    # What was heard took about as long as what was said, and what is kept for the next stall.
    assert abs(len(sound) - 2 * RATE) <= 0.08 * RATE
    assert sound[-1] == samples[-1]


@pytest.mark.parametrize("speed", [0.98, 1.02])
def test_a_device_with_a_clock_of_its_own(monkeypatch: pytest.MonkeyPatch, speed: float) -> None:
    plug_in(monkeypatch, SoundCard(speed=speed))
    most, seconds = 0.0, shortened(600)

    async def main() -> None:
        nonlocal most
        async with player() as speaker:
            speaker.add_stream(in_time(ramp(seconds * RATE)), live=True)
            await speaker.start()
            for _ in range(seconds):
                await asyncio.sleep(1)
                most = max(most, speaker.stats().queued_ms)
            dropped = speaker.stats().dropped_ms
            assert abs(dropped - (20 * seconds if speed < 1 else 0)) < 200

    run(main())
    assert most <= 110


@pytest.mark.parametrize("block_ms", [0, 5, 10, 21, 50, 100])
def test_a_device_of_any_block_loses_nothing_whenever_a_track_comes(block_ms: int, rand: Rand) -> None:
    samples = ramp(12 * RATE)
    late_s = rand.uniform(0, 0.01)  # each block of the device comes up to so much late

    async def main(wait_s: float) -> None:
        async with OutputPlayer(None, RATE, 1, None, blocksize=block_ms * RATE // 1000) as speaker:
            await speaker.start()
            await asyncio.sleep(wait_s)
            speaker.add_stream(in_time(samples), live=True)
            await asyncio.sleep(12.3)
            stats = speaker.stats()
            assert (stats.dropped_ms, stats.gap_ms, stats.num_stalls) == (0, 0, 0)

    for i in range(8):
        with pytest.MonkeyPatch.context() as patch:
            card = plug_in(patch, SoundCard(lateness=lambda _: rand.uniform(0, late_s)))
            run(main(2.5 + i * (block_ms or 10) / 8000))
            assert np.array_equal(heard(card), samples)


@pytest.mark.parametrize("frame_ms", [1, 7, 20, 30, 60, 100, 200, 1000])
def test_a_live_stream_of_frames_of_any_length_loses_nothing(card: SoundCard, frame_ms: int) -> None:
    samples = ramp(12 * RATE)

    async def stream() -> AsyncIterator[AudioFrame]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for i, frame in enumerate(frames(samples, size=frame_ms * RATE // 1000)):
            await asyncio.sleep(max(0.0, start + i * frame_ms / 1000 - loop.time()))
            yield frame

    async def main() -> None:
        most = 0.0
        async with player() as speaker:
            speaker.add_stream(stream(), live=True)
            await speaker.start()
            for _ in range(130):
                await asyncio.sleep(0.1)
                most = max(most, speaker.stats().queued_ms)
            stats = speaker.stats()
            assert (stats.gap_ms, stats.num_stalls) == (0, 0)
            assert stats.dropped_ms <= 30  # what is never needed
            assert most <= max(10, frame_ms) + 40

    run(main())
    assert len(heard(card)) >= 11.98 * RATE


def test_the_loop_is_woken_only_where_there_is_something_to_do(card: SoundCard) -> None:
    async def main() -> None:
        async with player() as speaker:
            await speaker.start()
            device = card.workers[-1]
            await asyncio.sleep(1)
            assert device.num_wakes == 0  # nothing to play
            speaker.add_stream(in_time(ramp(5 * RATE), {300: 0.2}), live=True)
            await asyncio.sleep(2.9)
            assert device.num_wakes <= 3  # each frame goes on when it comes
            await asyncio.sleep(2.4)
            assert speaker.stats().num_stalls == 1  # which only the device can tell
            before = device.num_wakes
            speaker.add_stream(at_once(ramp(RATE)))
            await asyncio.wait_for(speaker.wait_for_playout(), 1.2)
            assert device.num_wakes - before >= 90  # read as it is played

    run(main())


def test_a_surplus_that_is_not_needed_is_left_out(card: SoundCard) -> None:
    async def main() -> None:
        async with player() as speaker:
            # Two frames come early once: nothing is late, but all after that would be heard 20 ms later for good.
            extra = np.concatenate([ramp(BLOCK * 100), ramp(BLOCK * 2), ramp(BLOCK * 1500)])

            async def early() -> AsyncIterator[AudioFrame]:
                loop = asyncio.get_running_loop()
                start = loop.time()
                for i, frame in enumerate(frames(extra)):
                    at = start + (i - 2 if i >= 100 else i) * 0.01
                    await asyncio.sleep(max(0.0, at - loop.time()))
                    yield frame

            speaker.add_stream(early(), live=True)
            await speaker.start()
            await asyncio.sleep(1.5)
            assert speaker.stats().queued_ms >= 20
            await asyncio.sleep(14.4)  # after five seconds in which it was not needed
            stats = speaker.stats()
            assert stats.queued_ms <= 5
            assert stats.dropped_ms == 20
            assert stats.gap_ms == 0

    run(main())
