"""AudioMixer(realtime=True): a block every block's time, whatever the streams do. In virtual time."""

from __future__ import annotations

import asyncio
import itertools
import logging
import math
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest

from livekit_utils import AudioFrame, AudioMixer, AudioSource, AudioStream, LocalAudioTrack
from tests.support.streams import RATE, TICK, collect, constant, frame, ready
from tests.support.virtual_time import VirtualTimeLoop, run

BLOCK = 480


def values(block: AudioFrame) -> np.ndarray:
    return np.frombuffer(block.data, np.int16)


def clock() -> float:
    return asyncio.get_running_loop().time()


async def live(
    make: Callable[[int], AudioFrame],
    *,
    ppm: float = 0,
    tick: float = TICK,
    late: Callable[[int], float] = lambda _: 0.0,
    count: int | None = None,
) -> AsyncIterator[AudioFrame]:
    """Frame i comes at (i + 1) * tick of a clock that is off by ppm, plus late(i)."""
    start = clock()
    for i in itertools.count() if count is None else range(count):
        due = start + (i + 1) * tick / (1 + ppm * 1e-6) + late(i)
        if due > clock():
            await asyncio.sleep(due - clock())
        yield make(i)


def ones(_: int) -> AudioFrame:
    return constant(1000, BLOCK)


def tone(i: int) -> AudioFrame:
    """300 Hz, without a step between frames."""
    n = np.arange(i * BLOCK, (i + 1) * BLOCK)
    return frame(np.round(8000 * np.sin(2 * np.pi * 300 * n / RATE)))


STEEPEST = 8000 * 2 * math.pi * 300 / RATE


async def take(mixer: Any, count: int) -> np.ndarray:
    return np.concatenate([values(await anext(mixer)) for _ in range(count)])


# -- the clock --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "block"), [(48000, 480), (44100, 441), (48000, 1024), (11025, 100), (48000, 4800)])
def test_a_block_every_blocks_time(rate: int, block: int) -> None:
    async def main() -> None:
        async with AudioMixer(rate, 1, blocksize=block, realtime=True) as mixer:
            start = clock()
            times = []
            for i in range(1000):
                block_ = await anext(mixer)
                assert not np.any(values(block_))
                times.append(clock() - start - (i + 1) * block / rate)
            assert -1e-6 < min(times) <= max(times) < 0.001
            assert mixer.stats().num_blocks == 1000

    run(main())


def test_a_file_is_read_as_it_is_needed() -> None:
    read = 0

    async def file() -> AsyncIterator[AudioFrame]:
        nonlocal read
        for i in range(200):
            read += 1
            yield constant(i + 1, BLOCK)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(file())
            mixer.end_input()
            start = clock()
            got = []
            async for block in mixer:
                got += values(block).tolist()
                assert clock() - start == pytest.approx(len(got) / RATE, abs=1e-4)
                assert read <= len(got) // BLOCK + 6
            assert got == [i + 1 for i in range(200) for _ in range(BLOCK)]

    run(main())


@pytest.mark.parametrize("rate", [16000, 44100])
def test_a_file_of_another_rate_is_whole(rate: int) -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(ready([constant(5000, rate // 100, rate=rate)] * 100))
            mixer.end_input()
            got = np.concatenate([values(block) async for block in mixer])
            assert abs(np.count_nonzero(got > 2500) - RATE) <= 2

    run(main())


def test_speech_that_comes_faster_than_it_is_played_is_whole() -> None:
    """Utterances come at three times their speed, with pauses of a second."""

    async def speech() -> AsyncIterator[AudioFrame]:
        for number in range(5):
            await asyncio.sleep(1.0)
            for i in range(200):
                await asyncio.sleep(TICK / 3)
                yield constant(number * 200 + i + 1, 470)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(speech())
            mixer.end_input()
            got = np.concatenate([values(block) async for block in mixer])
            assert np.array_equal(got[got != 0], np.repeat(np.arange(1, 1001), 470))

    run(main())


def test_live_streams_are_summed_exactly_once_they_play() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            for i in range(8):
                mixer.add_stream(live(lambda _, i=i: constant(1 << i, BLOCK), late=lambda _, i=i: i * 0.001), live=True)
            got = await take(mixer, 500)
            assert set(got[BLOCK * 10 :].tolist()) == {255}
            stats = mixer.stats()
            assert all(stream.num_late_blocks == 0 for stream in stats.streams.values())
            assert all(abs(stream.ppm) < 1 for stream in stats.streams.values())

    run(main())


@pytest.mark.parametrize("known", [True, None])
@pytest.mark.parametrize("block", [480, 960, 4800])
def test_a_live_stream_is_heard_soon(known: bool | None, block: int) -> None:
    """A frame is heard within a block, a frame, and 10 ms more."""

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=block, realtime=True) as mixer:
            mixer.add_stream(live(lambda i: constant(i + 1, BLOCK)), live=known)
            got = await take(mixer, 5 * RATE // block)
            # At the end of its last block, the frames of so many ticks have come.
            delay = len(got) / BLOCK - got[-1]
            assert delay * TICK <= block / RATE + 0.021
            assert mixer.stats().streams["stream 1"].num_late_blocks == 0

    run(main())


# -- what is late -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, None])
@pytest.mark.parametrize("stall", [0.05, 0.2, 2.0])
def test_a_stall_leaves_no_delay_and_no_click(
    stall: float, known: bool | None, caplog: pytest.LogCaptureFixture
) -> None:
    def late(i: int) -> float:
        due = (i + 1) * TICK
        return max(0.0, 2.0 + stall - due) if due >= 2.0 else 0.0

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(tone, late=late), live=known)
            mixer.add_stream(live(lambda _: constant(0, BLOCK)), live=True)
            got = (await take(mixer, 800)).astype(int)
            steps = np.abs(np.diff(got))
            begun = int(np.flatnonzero(got)[0])
            assert steps[begun + 10 :].max() < 1.35 * STEEPEST
            stats = mixer.stats().streams["stream 1"]
            assert stats.num_late_blocks == pytest.approx(stall / TICK, abs=4)
            if stall > 0.1:
                assert stats.num_left_out_samples_per_channel > 0.4 * stall * RATE
            assert stats.queued_ms < 150
            assert mixer.stats().streams["stream 2"].num_late_blocks == 0

    with caplog.at_level(logging.WARNING):
        run(main())
    assert [record.getMessage() for record in caplog.records] == [
        "AudioMixer: 'stream 1' is late and silent until it goes on"
    ]


def test_jitter_is_bridged_once_it_was_seen(rand: Any) -> None:
    lateness = [rand.uniform(0, 0.03) for _ in range(6000)]

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(ones, late=lambda i: lateness[i % 6000]), live=True)
            await take(mixer, 1000)
            before = mixer.stats().streams["stream 1"].num_late_blocks
            await take(mixer, 2000)
            assert mixer.stats().streams["stream 1"].num_late_blocks - before <= 12
            assert mixer.stats().streams["stream 1"].queued_ms < 100

    run(main())


@pytest.mark.parametrize("pause", [0.1, 0.3, 0.45])
@pytest.mark.parametrize("rate", [16000, RATE])
def test_pauses_between_words_are_no_stalls(pause: float, rate: int) -> None:
    """A sender that sends nothing while nobody speaks goes on later without making up for anything."""
    period = 0.3 + pause

    async def words() -> AsyncIterator[AudioFrame]:
        start = clock()
        for i in range(300):
            await asyncio.sleep(max(0.0, start + i // 30 * period + (i % 30 + 1) * TICK - clock()))
            yield constant(1000, rate // 100, rate=rate)

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(words(), live=True)
            return await take(mixer, round(10 * period / TICK) + 10)

    loud = np.flatnonzero(run(main()) > 500)
    starts = loud[np.flatnonzero(np.diff(loud, prepend=-RATE) > 0.05 * RATE)] / RATE
    assert len(starts) == 10
    assert np.all(starts - np.arange(10) * period < 0.023)


def test_the_end_of_a_live_stream_is_heard() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(lambda i: constant(i + 1, BLOCK), count=100), live=True)
            mixer.end_input()
            got = np.concatenate([values(block) async for block in mixer])
            assert np.array_equal(got[got != 0], np.repeat(np.arange(1, 101), BLOCK))

    run(main())


def test_what_a_live_stream_delivers_at_once_before_its_end_is_heard() -> None:
    """It is no surplus that would be a delay: nothing comes behind it."""

    async def burst() -> AsyncIterator[AudioFrame]:
        for i in range(40):
            yield ones(i)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(burst(), live=True)
            mixer.end_input()
            mix = await collect(mixer)
        assert np.count_nonzero(mix) == 40 * BLOCK

    run(main())


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("channels", [None, [0], [1, 0]])
@pytest.mark.parametrize("known", [True, False])
def test_channels_are_converted_and_picked(num_channels: int, channels: list[int] | None, known: bool) -> None:
    """The first channel is 1000 and the second 3000; one is copied to both, and two are averaged to one."""
    if channels == [1, 0] and num_channels == 1:
        return
    first, second = (1000, 3000) if num_channels == 2 else (1000, 1000)
    expected = {None: (first, second), (0,): (1000, 1000), (1, 0): (second, first)}[channels and tuple(channels)]

    def make(_: int) -> AudioFrame:
        samples = np.tile(np.array([first, second][:num_channels], np.int16), BLOCK)
        return AudioFrame(samples.tobytes(), RATE, num_channels, BLOCK)

    async def main() -> None:
        async with AudioMixer(RATE, 2, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(make), live=known, channels=channels)
            mix = await take(mixer, 60)
        assert mix[-2 * BLOCK :].reshape(-1, 2).tolist() == [list(expected)] * BLOCK

    run(main())


@pytest.mark.parametrize(("num_good", "num_logged"), [(80, 1), (130, 2)])
def test_a_stream_that_was_in_time_for_a_second_is_logged_again(
    num_good: int, num_logged: int, caplog: pytest.LogCaptureFixture
) -> None:
    def late(i: int) -> float:
        return 0.2 * (i >= 50) + 0.2 * (i >= 50 + num_good)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(ones, late=late), live=True, name="anna")
            await take(mixer, num_good + 150)

    run(main())
    messages = [record.message for record in caplog.records]
    assert messages == ["AudioMixer: 'anna' is late and silent until it goes on"] * num_logged


def test_what_tells_whether_it_is_idle_is_live() -> None:
    class Stream:
        idle = False

        def __aiter__(self) -> AsyncIterator[AudioFrame]:
            return live(ones)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(Stream())
            mixer.add_stream(live(ones))
            assert [source.live for source in mixer._inputs.all] == [True, False]  # type: ignore[attr-defined]

    run(main())


@pytest.mark.parametrize("hold", [0.03, 0.2, 0.4])
def test_a_short_hold_up_of_the_loop_is_made_up_for(hold: float) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            start = clock()
            mixer.add_stream(ready([constant(7, BLOCK)] * 1000))
            got = await take(mixer, 100)
            loop.block(hold)
            got = np.concatenate([got, await take(mixer, 300)])
            assert clock() - start == pytest.approx(4.0, abs=0.001)
            assert set(got.tolist()) == {7}
            assert mixer.stats().num_skipped_blocks == 0

    run(main())


@pytest.mark.parametrize("hold", [0.03, 0.05, 0.1, 0.45])
def test_a_live_stream_loses_nothing_to_a_short_hold_up(hold: float) -> None:
    """What has come meanwhile belongs to the blocks that are made up for."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(ones), name="a", live=True)
            await take(mixer, 100)
            loop.block(hold)
            got = await take(mixer, 300)
            stats = mixer.stats().streams["a"]
            assert (stats.num_late_blocks, stats.num_left_out_samples_per_channel) == (0, 0)
            assert np.count_nonzero(got == 0) == 0

    run(main())


@pytest.mark.parametrize("num_before", [8, 9, 10, 11])
def test_a_pause_of_a_stream_that_runs_dry_stops_nobody(num_before: int) -> None:
    async def dry() -> AsyncIterator[AudioFrame]:
        for i in range(95):
            yield ones(i)
        await asyncio.sleep(1000)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=4800, realtime=True) as mixer:
            speech = dry()
            mixer.add_stream(speech)
            mixer.add_stream(live(ones), live=True)
            await take(mixer, num_before)
            mixer.pause(speech)
            await take(mixer, 2)
            mixer.resume(speech)
            start = clock()
            await take(mixer, 10)
            assert clock() - start == pytest.approx(1.0, abs=0.01)

    run(main())


def test_a_stream_that_has_stopped_speaks_no_longer() -> None:
    async def speech() -> AsyncIterator[AudioFrame]:
        async for item in live(tone, count=100):
            yield item
        await asyncio.sleep(1000)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(speech(), name="a", live=True)
            await take(mixer, 90)
            assert mixer.active_speakers == ["a"]
            assert mixer.stats().streams["a"].peak_dbfs > -20
            await take(mixer, 100)
            assert mixer.active_speakers == []
            assert mixer.stats().streams["a"].peak_dbfs == -math.inf

    run(main())


def test_a_stream_that_never_waits_is_bounded_whatever_is_said_of_it() -> None:
    num_read = 0

    async def endless() -> AsyncIterator[AudioFrame]:
        nonlocal num_read
        while True:
            num_read += 1
            yield ones(0)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(endless(), live=True)
            for _ in range(20):
                before = num_read
                await take(mixer, 1)
                assert num_read - before <= 120  # a second of sound, of which most is left out
                assert mixer.stats().streams["stream 1"].queued_ms <= 1100

    run(main())


def test_a_long_hold_up_of_the_loop_is_skipped() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            start = clock()
            mixer.add_stream(live(ones))
            await take(mixer, 100)
            loop.block(3.0)
            await take(mixer, 300)
            assert clock() - start == pytest.approx(7.0 - TICK, abs=0.011)
            assert mixer.stats().num_skipped_blocks in {299, 300}

    run(main())


# -- drift ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ppm", [-1000, -100, 30, 1000])
def test_a_clock_that_drifts_is_followed(ppm: float) -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(live(tone, ppm=ppm), live=True)
            await take(mixer, 3000)
            late = mixer.stats().streams["stream 1"].num_late_blocks
            fills = []
            for _ in range(60):
                got = (await take(mixer, 100)).astype(int)
                assert np.abs(np.diff(got)).max() < 1.05 * STEEPEST
                fills.append(mixer.stats().streams["stream 1"].queued_ms)
            stats = mixer.stats().streams["stream 1"]
            assert stats.ppm == pytest.approx(ppm, abs=5)
            assert stats.num_late_blocks == late <= 3
            assert max(fills) - min(fills) <= 10.5  # a frame of 10 ms comes before or after the look

    run(main())


def test_clocks_that_drift_for_a_day() -> None:
    """Three minutes of it in an ordinary run. The queue of each stays within 5 ms of its target."""
    drifts = {"fast": 1000.0, "slow": -1000.0, "near": 20.0, "same": 0.0}
    rate, size = 8000, 160  # 20 ms
    seconds = 86_400 if os.environ.get("LIVEKIT_UTILS_HYPOTHESIS") == "thorough" else 180
    sound = AudioFrame(bytes(2 * size), rate, 1, size)

    async def main() -> None:
        async with AudioMixer(rate, 1, blocksize=size, realtime=True) as mixer:
            for name, ppm in drifts.items():
                mixer.add_stream(live(lambda _: sound, ppm=ppm, tick=0.02), name=name, live=True)
            fills: dict[str, list[float]] = {name: [] for name in drifts}
            late: dict[str, int] = {}
            for second in range(seconds):
                for _ in range(50):
                    await anext(mixer)
                if second < 60:
                    continue
                for name, stats in mixer.stats().streams.items():
                    late.setdefault(name, stats.num_late_blocks)
                    assert stats.num_late_blocks == late[name]
                    assert stats.num_left_out_samples_per_channel == 0
                    fills[name].append(stats.queued_ms)
            for name, stats in mixer.stats().streams.items():
                assert stats.ppm == pytest.approx(drifts[name], abs=3), name
                assert max(fills[name]) - min(fills[name]) <= 20 + 10, name  # a frame before or after the look, ± 5 ms

    run(main())


# -- who reads, and the end -------------------------------------------------------------------------------------------


def test_outputs_keep_time_too_and_lose_their_oldest_blocks() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True, capacity=5) as mixer:
            unread, reader = mixer.output("a"), mixer.output("b")
            mixer.add_stream(ready([constant(1, BLOCK)] * 1000), name="a")
            mixer.add_stream(ready([constant(2, BLOCK)] * 1000), name="b")
            start = clock()
            for i in range(100):
                assert set(values(await anext(reader)).tolist()) == {1}
                assert clock() - start == pytest.approx((i + 1) * TICK, abs=1e-4)
            assert unread.num_dropped == 95
            assert set(values(await anext(unread)).tolist()) == {2}

    run(main())


def test_when_nobody_reads_streams_are_not_read() -> None:
    count = 0

    async def file() -> AsyncIterator[AudioFrame]:
        nonlocal count
        while True:
            count += 1
            yield constant(1, BLOCK)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True, capacity=5) as mixer:
            mixer.add_stream(file())
            mixer.add_stream(live(ones), live=True)
            await asyncio.sleep(10)
            assert count < 15
            stats = mixer.stats()
            assert (stats.num_blocks, stats.num_queued_blocks) == (5, 5)
            assert stats.num_skipped_blocks == pytest.approx(995, abs=1)
            assert stats.streams["stream 2"].queued_ms < 100
            await take(mixer, 5)
            start = clock()
            await take(mixer, 10)
            assert clock() - start == pytest.approx(0.1, abs=0.011)

    run(main())


def test_real_tracks_are_live() -> None:
    async def main() -> None:
        source = AudioSource(RATE, 1, 100)
        stream = AudioStream(LocalAudioTrack.create_audio_track("a", source))
        async with AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True) as mixer:
            mixer.add_stream(stream, name="a")

            async def play() -> None:
                for _ in range(100):
                    await source.capture_frame(constant(50, BLOCK))

            task = asyncio.create_task(play())
            got = await take(mixer, 120)
            await task
            assert np.count_nonzero(got == 50) > 90 * BLOCK
        await stream.aclose()
        await source.aclose()

    run(main())


def test_close_leaves_no_timer() -> None:
    async def main() -> None:
        mixer = AudioMixer(RATE, 1, blocksize=BLOCK, realtime=True)
        mixer.add_stream(live(ones))
        output = mixer.output()
        readers = [asyncio.create_task(collect(output)) for _ in range(3)]
        await asyncio.sleep(0.015)
        await mixer.aclose()
        await asyncio.gather(*readers)
        await mixer.aclose()
        assert not [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]

    run(main())


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_realtime_is_a_bool(wrong: Any) -> None:
    with pytest.raises(TypeError, match="realtime: expected"):
        AudioMixer(RATE, 1, realtime=wrong)
    with pytest.raises(TypeError, match="live: expected"):
        AudioMixer(RATE, 1, realtime=True).add_stream(ready([]), live=wrong if wrong is not None else 0)
