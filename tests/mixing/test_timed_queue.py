"""TimedQueue and Pace: their numbers, and that what is compiled does what the TimedInput does. In virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioMixer
from livekit_utils.mixing.pace import Pace
from livekit_utils.mixing.timed_queue import TimedQueue
from tests.mixing.test_realtime import BLOCK, live, take, tone
from tests.support.streams import RATE, constant
from tests.support.virtual_time import run


def queue() -> TimedQueue:
    made = TimedQueue(1)
    made.sample_rate, made.block, made.fade = RATE, BLOCK, 240
    return made


def test_the_target_covers_what_may_come_late() -> None:
    made = queue()
    assert made.target(5.0) == BLOCK + 240 + 240
    made.set_reserve(0.085, 10.0)
    assert [made.target(now) - BLOCK - 240 for now in (10.0, 30.0, 50.0)] == [4080, 2160, 1200]
    made.kept = 100
    assert made.target(30.0) == BLOCK + 240 + 2160 + 100


def test_a_surplus_is_what_is_above_the_target_by_30_ms() -> None:
    made = queue()
    made.push_silence(made.target(0.0) + 1440)
    assert made.surplus(0.0, 0.0) == 0
    made.push_silence(1)
    assert made.surplus(0.0, 0.0) == made.surplus(0.0, -1.0) == 1441
    assert made.surplus(0.0, 0.001) == 0
    made.push_silence(100)
    assert made.surplus(0.0, 0.001) == 1441 + 100 - 48


@pytest.mark.parametrize("start", [0.0, 1e6, 1e9])
def test_what_a_queue_holds_is_as_exact_after_years(start: float) -> None:
    made = queue()
    made.clock = SimpleNamespace(next_due=start + 0.25)  # type: ignore[assignment]
    made.push_silence(480)
    assert made.fill_s(start) == pytest.approx(0.26, abs=1e-15)


# -- what is live -----------------------------------------------------------------------------------------------------


def live_pace() -> Pace:
    pace = Pace()
    while not pace.see(0.1, 0.1):
        pass
    return pace


@pytest.mark.parametrize(("share", "is_live"), [(0.69, False), (0.71, True)])
def test_a_live_stream_is_waited_for_most_of_the_time(share: float, is_live: bool) -> None:
    pace = Pace()
    for _ in range(1000):
        pace.see(0.01 * share, 0.01)
    assert pace.is_live == is_live


def test_three_tenths_of_a_second_in_a_row_are_live() -> None:
    pace = Pace()
    assert [pace.see(0.1, 0.1) for _ in range(4)] == [False, False, True, True]
    pace = Pace()
    assert not any(pace.see(0.1 if i % 3 else 0.0, 0.1) for i in range(100))


@pytest.mark.parametrize(("frame", "is_live"), [(0.1, True), (0.14, True), (0.15, False), (0.19, False)])
def test_no_wait_counts_for_more_than_100_ms(frame: float, is_live: bool) -> None:
    pace = Pace()
    for _ in range(100):
        pace.see(frame, frame)
    assert pace.is_live == is_live


@pytest.mark.parametrize(("stall", "most_ahead"), [(0.0, 0.5), (3.0, 3.5), (100.0, 5.5)])
def test_so_much_may_come_at_once(stall: float, most_ahead: float) -> None:
    pace = live_pace()
    pace.see(stall, 0.0)
    num = 0
    while pace.see(0.0, 0.01):
        num += 1
    assert num * 0.01 == pytest.approx(most_ahead, abs=0.02 + 0.07 * stall if stall < 5 else 0.4)


@pytest.mark.parametrize(("ppm", "is_live"), [(7000, True), (14_000, False)])
def test_a_clock_that_is_little_faster_is_live(ppm: float, is_live: bool) -> None:
    pace = live_pace()
    assert all(pace.see(0.01, 0.01 * (1 + ppm * 1e-6)) for _ in range(20_000)) == is_live


# -- through the mixer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, None])
@pytest.mark.parametrize("ppm", [0, 300])
def test_frames_that_are_copied_and_frames_that_are_converted_are_the_same(
    rand: Any, known: bool | None, ppm: float
) -> None:
    """A choice of channels, also of the only one, has each frame converted by the TimedInput."""
    lateness = [rand.uniform(0, 0.02) if rand.random() < 0.1 else 0.0 for _ in range(1500)]
    lateness[700:730] = [0.3 - i * 0.01 for i in range(30)]

    async def mixed(channels: list[int] | None) -> tuple[np.ndarray, object]:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            stream = live(tone, late=lambda i: lateness[i % 1500], ppm=ppm)
            mixer.add_stream(stream, live=known, channels=channels)
            got = await take(mixer, 1200)
            stats = mixer.stats().streams["stream 1"]
            return got, replace(stats, ppm=round(stats.ppm, 6))

    copied, stats = run(mixed(None))
    converted, expected = run(mixed([0]))
    assert np.array_equal(copied, converted)
    assert stats == expected


@pytest.mark.parametrize("phase_ms", [0, 1, 4, 7, 9])
def test_a_stream_that_is_found_to_be_live_is_copied(phase_ms: float) -> None:
    """Whatever it has in its queue then: resampling would change its samples."""

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            await take(mixer, 10)
            await asyncio.sleep(phase_ms / 1000)
            mixer.add_stream(live(lambda i: constant(i + 1, BLOCK)))
            got = await take(mixer, 1500)
            heard = got[got != 0]
            assert np.array_equal(heard, np.repeat(np.arange(1, heard.size // BLOCK + 2), BLOCK)[: heard.size])
            assert heard.size > 1490 * BLOCK
            assert mixer.stats().streams["stream 1"].queued_ms < 41

    run(main())


@pytest.mark.parametrize(
    ("stall", "reserve"), [(0.03, 0.03), (0.06, 0.06), (0.09, 0.09), (0.3, 0.1), (0.45, 0.1), (0.6, 0.005)]
)
def test_a_stream_may_come_as_late_again_as_it_came(stall: float, reserve: float) -> None:
    """Up to 100 ms; after 500 ms it was no stall."""

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            stream = live(tone, late=lambda i: max(0.0, stall - (i - 200) * 0.01) if i >= 200 else 0.0)
            mixer.add_stream(stream, live=True)
            await take(mixer, 300)
            source: Any = mixer._inputs.all[0]
            # It plays on for what it has, some 15 ms, before it is late.
            assert source.reserve(asyncio.get_running_loop().time()) == pytest.approx(reserve, abs=0.022)

    run(main())
