"""AudioMixer against an exact oracle, in virtual time."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit_utils import AudioFrame, AudioMixer, AudioResampler, combine_audio_frames

from .virtual_time import VirtualTimeLoop, run

RATE = 48000
TICK = 0.010


def frame(values: Any, channels: int = 1, rate: int = RATE) -> AudioFrame:
    samples = np.ascontiguousarray(values, dtype=np.int16)
    return AudioFrame(samples.tobytes(), rate, channels, samples.size // channels)


def constant(value: int, samples: int = 480, channels: int = 1, rate: int = RATE) -> AudioFrame:
    return frame(np.full(samples * channels, value), channels, rate)


async def ready(frames: Iterable[Any]) -> AsyncIterator[Any]:
    for item in frames:
        yield item


async def timed(frames: Iterable[Any], delay: Callable[[int], float] = lambda i: TICK) -> AsyncIterator[Any]:
    """Item i comes delay(i) seconds after the one before."""
    for i, item in enumerate(frames):
        await asyncio.sleep(delay(i))
        yield item


async def collect(mixer: AudioMixer) -> np.ndarray:
    frames = [f async for f in mixer]
    if not frames:
        return np.zeros(0, np.int16)
    assert all(f.samples_per_channel == frames[0].samples_per_channel for f in frames)
    return np.frombuffer(combine_audio_frames(frames).data, np.int16)


def oracle(signals: list[np.ndarray], gains: list[float], block: int, channels: int = 1) -> np.ndarray:
    """The exact mix: integers of any size, rounded once, saturated once."""
    longest = max(s.size for s in signals)
    size = -(-longest // (block * channels)) * block * channels
    total = [0] * size
    for signal, gain in zip(signals, gains, strict=True):
        fixed = round(gain * 2**24)
        for i, value in enumerate(signal.tolist()):
            total[i] += value * fixed
    return np.array([min(max((t + 2**23) >> 24, -32768), 32767) for t in total], np.int16)


def split(samples: np.ndarray, sizes: Iterable[int], channels: int = 1) -> list[AudioFrame]:
    frames, at = [], 0
    for size in sizes:
        frames.append(frame(samples[at : at + size * channels], channels))
        at += size * channels
        if at >= samples.size:
            break
    if at < samples.size:
        frames.append(frame(samples[at:], channels))
    return frames


# -- the sum ----------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    streams=st.integers(1, 6),
    channels=st.integers(1, 3),
    block=st.sampled_from([1, 7, 160, 480, 1000]),
    unity=st.booleans(),
    live=st.booleans(),
)
def test_mix_is_the_exact_sum(seed: int, streams: int, channels: int, block: int, unity: bool, live: bool) -> None:
    rng = np.random.default_rng(seed)
    lengths = [int(rng.integers(1, 3000)) for _ in range(streams)]
    signals = [rng.integers(-32768, 32768, n * channels, dtype=np.int16) for n in lengths]
    gains = [1.0 if unity else float(rng.uniform(-2, 2)) for _ in signals]

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, channels, blocksize=block, stream_timeout_ms=60_000, capacity=3) as mixer:
            for signal, gain in zip(signals, gains, strict=True):
                pieces = split(signal, [int(n) for n in rng.integers(0, 700, 200)], channels)
                source = timed(pieces, lambda i: float(rng.uniform(0, 0.02))) if live else ready(pieces)
                mixer.add_stream(source, gain=gain)
            mixer.end_input()
            return await collect(mixer)

    assert np.array_equal(run(main()), oracle(signals, gains, block, channels))


def test_saturation_happens_once_and_last() -> None:
    async def main(order: list[int]) -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            for value in order:
                mixer.add_stream(ready([constant(value)]))
            mixer.end_input()
            return await collect(mixer)

    for order in ([30000, 30000, -30000], [30000, -30000, 30000], [-30000, 30000, 30000]):
        assert set(run(main(order)).tolist()) == {30000}
    assert set(run(main([30000, 30000])).tolist()) == {32767}
    assert set(run(main([-30000, -30000])).tolist()) == {-32768}


def test_default_block_is_100_ms() -> None:
    async def main() -> list[AudioFrame]:
        mixer = AudioMixer(RATE, 2)
        mixer.add_stream(ready([constant(1, 4801, 2)]))
        mixer.end_input()
        return [f async for f in mixer]

    frames = run(main())
    assert [f.samples_per_channel for f in frames] == [4800, 4800]
    assert frames[1].data[:4].tolist() == [1, 1, 0, 0]  # the last partial block is filled up with silence
    assert (frames[0].sample_rate, frames[0].num_channels) == (RATE, 2)


def test_events_and_foreign_frames_are_frames_too() -> None:
    class Foreign:
        data = memoryview(np.full(480, 5, np.int16))
        sample_rate = RATE
        num_channels = 1
        samples_per_channel = 480

    class Event:
        def __init__(self, frame: Any) -> None:
            self.frame = frame

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(ready([Event(constant(1)), Event(Foreign()), constant(2), Foreign()]))
            mixer.end_input()
            return await collect(mixer)

    assert run(main()).reshape(4, 480)[:, 0].tolist() == [1, 5, 2, 5]


def test_a_frame_may_be_reused_by_its_owner_after_the_yield() -> None:
    async def reusing() -> AsyncIterator[AudioFrame]:
        shared = AudioFrame.create(RATE, 1, 480)
        for i in range(5):
            shared.data[0] = i + 1
            yield shared

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(reusing())
            mixer.end_input()
            return await collect(mixer)

    assert run(main())[::480].tolist() == [1, 2, 3, 4, 5]


# -- other formats ----------------------------------------------------------------------------------------------------


def test_mono_goes_to_all_channels_and_many_are_averaged() -> None:
    async def main(channels: int, item: AudioFrame) -> np.ndarray:
        async with AudioMixer(RATE, channels, blocksize=480) as mixer:
            mixer.add_stream(ready([item]))
            mixer.end_input()
            return await collect(mixer)

    ramp = np.arange(480)
    assert np.array_equal(run(main(3, frame(ramp))).reshape(-1, 3), np.stack([ramp] * 3, axis=1))
    stereo = np.stack([ramp, -3 * ramp + 1], axis=1)
    assert np.array_equal(run(main(1, frame(stereo, 2))), np.floor(stereo.mean(axis=1) + 0.5).astype(np.int16))
    loud = np.full((480, 2), 32767)
    assert set(run(main(1, frame(loud, 2))).tolist()) == {32767}


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100])
def test_other_rates_are_resampled(rate: int) -> None:
    tone = np.round(10000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(ready(frame(tone[i : i + rate // 100], 1, rate) for i in range(0, rate, rate // 100)))
            mixer.end_input()
            return await collect(mixer)

    mixed = run(main())
    assert mixed.size == RATE
    expected = AudioResampler(rate, RATE)
    frames = expected.push(frame(tone, 1, rate)) + expected.flush()
    assert np.array_equal(mixed, np.frombuffer(combine_audio_frames(frames).data, np.int16))
    assert np.argmax(np.abs(np.fft.rfft(mixed))) == 440


def test_a_stream_may_change_its_format() -> None:
    pieces = [constant(1000), constant(1000, 160, 1, 16000), constant(1000, 480, 2), constant(1000, 882, 2, 44100)]

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(ready(pieces * 2))
            mixer.end_input()
            return await collect(mixer)

    mixed = run(main())
    assert mixed.size == 2 * (480 + 480 + 480 + 960)
    assert np.abs(mixed - 1000).max() <= 1000  # edges ring; nothing is lost or doubled
    assert abs(float(mixed.mean()) - 1000) < 40


def test_what_cannot_be_converted_ends_that_stream_only(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 2, blocksize=480) as mixer:
            mixer.add_stream(ready([constant(1, 480, 2)] * 4), name="good")
            mixer.add_stream(ready([constant(2, 480, 2), constant(9, 480, 6)]), name="surround")
            mixer.add_stream(ready([constant(4, 480, 2), "no frame"]), name="text")
            mixer.end_input()
            return await collect(mixer)

    assert run(main())[::960].tolist() == [7, 1, 1, 1]
    messages = [r.getMessage() for r in caplog.records]
    assert len(messages) == 2
    assert any("'surround'" in m and "1 or 2 channels, got 6" in m for m in messages)
    assert any("'text'" in m and "got str" in m for m in messages)


# -- streams that raise, end, stall -----------------------------------------------------------------------------------


def test_a_stream_that_raises_is_logged_once_and_what_it_delivered_is_mixed(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> AsyncIterator[AudioFrame]:
        yield constant(10)
        yield constant(10, 100)
        raise OSError("cable pulled")

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(failing(), name="bad")
            mixer.add_stream(ready([constant(1)] * 3))
            mixer.end_input()
            return await collect(mixer)

    mixed = run(main())
    assert mixed[:480].tolist() == [11] * 480
    assert mixed[480:960].tolist() == [11] * 100 + [1] * 380
    assert len(caplog.records) == 1
    assert "cable pulled" in caplog.text
    assert caplog.records[0].exc_info


def test_an_iterator_that_keeps_raising_is_not_asked_again() -> None:
    class Raising:
        calls = 0

        def __aiter__(self) -> Raising:
            return self

        async def __anext__(self) -> AudioFrame:
            self.calls += 1
            raise ValueError("always")

    stream = Raising()

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1) as mixer:
            mixer.add_stream(stream)
            mixer.end_input()
            return await collect(mixer)

    assert run(main()).size == 0
    assert stream.calls == 1


def test_a_stream_that_raises_cancelled_error_by_itself_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def cancelled() -> AsyncIterator[AudioFrame]:
        yield constant(1)
        raise asyncio.CancelledError

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(cancelled())
            mixer.end_input()
            return await collect(mixer)

    assert run(main()).size == 480
    assert "CancelledError" in caplog.text


async def arrivals(mixer: AudioMixer) -> list[tuple[float, int]]:
    """(time, first sample) of each block."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    return [(loop.time() - start, f.data[0]) async for f in mixer]


def test_one_stall_delays_one_block_once_and_the_others_recover(caplog: pytest.LogCaptureFixture) -> None:
    """Seven live streams, one of which stops for 250 ms at 1 s and then delivers what had gathered."""

    async def main() -> tuple[list[tuple[float, int]], int]:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            for _ in range(6):
                mixer.add_stream(timed([constant(1)] * 300))
            stall = {100: 0.250, **{i: 0.0 for i in range(101, 125)}}
            mixer.add_stream(timed([constant(100)] * 300, lambda i: stall.get(i, TICK)), name="lazy")
            mixer.end_input()
            blocks = await arrivals(mixer)
            return blocks, sum(value // 100 for _, value in blocks)

    blocks, delivered = run(main())
    delays = [when - (i + 1) * TICK for i, (when, _) in enumerate(blocks[:300])]
    assert max(delays[:100]) < 1e-6
    assert max(delays) <= 0.100 + 1e-6  # the block that waited
    assert delays[115] < 1e-6  # 150 ms later: as before, while the stream is still away
    assert max(delays[130:]) < 1e-6  # and after it is back
    assert delivered == 300  # nothing of it is lost
    late = [r for r in caplog.records if "'lazy'" in r.getMessage()]
    assert len(caplog.records) == len(late) == 1


def test_two_late_streams_delay_a_block_once() -> None:
    async def main() -> list[tuple[float, int]]:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 50))
            for _ in range(5):
                mixer.add_stream(timed([constant(100)] * 5, lambda i: 3.0 if i == 2 else TICK))
            mixer.end_input()
            return await arrivals(mixer)

    blocks = run(main())
    assert blocks[2][0] == pytest.approx(0.130, abs=1e-6)
    assert blocks[13][0] == pytest.approx(0.140, abs=1e-6)
    assert [value for _, value in blocks[:3]] == [501, 501, 1]


def test_a_stall_longer_than_the_timeout_after_end_input_loses_nothing() -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(i + 1) for i in range(10)], lambda i: 1.5 if i == 5 else TICK))
            mixer.end_input()
            return await collect(mixer)

    assert run(main())[::480].tolist() == list(range(1, 11))


def test_a_repeated_stall_is_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(1)] * 400))
            mixer.add_stream(timed([constant(1)] * 100, lambda i: 1.0 if i in (20, 60) else TICK), name="lazy")
            mixer.end_input()
            late = 0
            async for _ in mixer:
                late = max([late, *(s.late_blocks for n, s in mixer.stats().streams.items() if n == "lazy")])
            # Two stalls of 1 s of which 50 ms are waited for: what is missing of the 2 s are late blocks.
            assert 180 <= late <= 200

    run(main())
    assert len(caplog.records) == 2


def test_no_silence_is_invented_while_nobody_has_anything() -> None:
    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(1)] * 3, lambda i: 100.0))
            mixer.add_stream(timed([constant(1)] * 3, lambda i: 100.0))
            mixer.end_input()
            return (await collect(mixer)).size

    assert run(main()) == 3 * 480


def test_a_part_of_a_block_does_not_lie_for_ever() -> None:
    """A voice that pauses in the middle of a block is heard to the end, after the timeout."""

    async def main() -> tuple[float, list[int]]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with AudioMixer(RATE, 1, blocksize=4800, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(7)] * 3, lambda i: TICK if i < 2 else 60.0))
            mixer.end_input()
            first = await anext(mixer)
            when = loop.time() - start
            second = await anext(mixer)
            return when, [sum(first.data) // 7, sum(second.data) // 7]

    when, delivered = run(main())
    assert when == pytest.approx(0.120, abs=1e-6)
    assert delivered == [960, 480]


def test_a_stream_that_comes_back_takes_its_place_within_the_block() -> None:
    """After a stall the others must not wait for the returned stream to fill a block of its own."""

    async def main() -> list[float]:
        async with AudioMixer(RATE, 1, blocksize=4800, stream_timeout_ms=30) as mixer:
            mixer.add_stream(timed([constant(1)] * 400))
            mixer.add_stream(timed([constant(100)] * 300, lambda i: 0.455 if i == 50 else TICK))
            mixer.end_input()
            return [when - 0.1 * (i + 1) for i, (when, _) in enumerate(await arrivals(mixer))]

    delays = run(main())
    assert max(delays[:5]) < 1e-6
    assert max(delays[12:30]) <= TICK + 1e-6


def test_a_newcomer_does_not_hold_up_a_running_mix() -> None:
    async def main() -> list[tuple[float, int]]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=100) as mixer:
            mixer.add_stream(timed([constant(1)] * 100))
            blocks = []
            async for f in mixer:
                blocks.append((loop.time() - start, f.data[0]))
                if len(blocks) == 20:
                    mixer.add_stream(timed([constant(10)] * 5, lambda i: 0.205 if i == 0 else TICK))
                    mixer.end_input()
            return blocks

    blocks = run(main())
    assert max(when - (i + 1) * TICK for i, (when, _) in enumerate(blocks)) < TICK
    assert sum(value // 10 for _, value in blocks) == 5
    assert sum(value % 10 for _, value in blocks) == 100


def test_a_blocked_event_loop_makes_nobody_late(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(timed([constant(1)] * 100))
            mixer.add_stream(timed([constant(1)] * 100, lambda i: TICK + 0.0001 * (i % 3)))
            mixer.end_input()
            n = 0
            async for _ in mixer:
                n += 1
                if n % 20 == 0:
                    loop.block(0.3)

    run(main())
    assert not caplog.records


def test_a_dead_stream_times_out_on_a_loop_that_is_always_late(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)

        async def busy() -> None:
            while True:
                await asyncio.sleep(0.001)
                loop.block(0.1)

        task = loop.create_task(busy())
        async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=50) as mixer:
            mixer.add_stream(ready([constant(1)] * 5))
            mixer.add_stream(_never())
            got = [await asyncio.wait_for(anext(mixer), 10) for _ in range(5)]
        task.cancel()
        await asyncio.wait([task])
        return len(got)

    assert run(main()) == 5
    assert len(caplog.records) == 1


async def _never() -> AsyncIterator[AudioFrame]:
    await asyncio.get_running_loop().create_future()
    yield constant(0)


def test_a_slow_reader_stops_the_reading_of_the_streams() -> None:
    taken = 0

    async def endless() -> AsyncIterator[AudioFrame]:
        nonlocal taken
        while True:
            taken += 1
            yield constant(1)

    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=7) as mixer:
            mixer.add_stream(endless())
            mixer.add_stream(timed([constant(1)] * 1000))
            await asyncio.sleep(60)
            assert mixer.stats().queued_blocks == 7
            assert 7 <= taken <= 7 + 20
            for _ in range(100):
                await anext(mixer)
            assert taken <= 107 + 20

    run(main())


def test_a_late_stream_is_given_up_after_the_reader_made_room() -> None:
    """The output was full when the stream fell silent, so nothing arrives any more that could start the wait."""

    async def main() -> int:
        async with AudioMixer(RATE, 1, blocksize=480, capacity=2, stream_timeout_ms=50) as mixer:
            mixer.add_stream(ready([constant(1)] * 100))
            mixer.add_stream(timed([constant(1)] * 3, lambda i: TICK if i < 2 else 1e6))
            await asyncio.sleep(10)
            for _ in range(100):
                await asyncio.wait_for(anext(mixer), 5)
            return mixer.stats().blocks

    assert run(main()) == 100


# -- gains ------------------------------------------------------------------------------------------------------------


def test_set_gain_moves_in_a_straight_line() -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 2, blocksize=100, capacity=1) as mixer:
            stream = ready([constant(16384, 4800, 2)])
            mixer.add_stream(stream)
            mixer.end_input()
            blocks = [await anext(mixer)]
            mixer.set_gain(stream, 0.0, ramp_ms=10)
            blocks += [f async for f in mixer]
            return np.frombuffer(combine_audio_frames(blocks).data, np.int16).reshape(-1, 2)

    mixed = run(main())
    assert np.array_equal(mixed[:, 0], mixed[:, 1])
    steps = np.diff(mixed[:, 0].astype(int))
    start = int(np.argmax(steps != 0))
    assert start >= 99
    assert steps.min() >= -math.ceil(16384 / 480)
    assert mixed[start + 481 :].max() == 0
    ideal = 16384 * (1 - np.arange(480) / 480)
    assert np.abs(mixed[start : start + 480, 0] - ideal).max() <= 35


def test_gain_is_checked() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1) as mixer:
            stream = timed([constant(1)])
            for gain in (math.nan, math.inf, 128.0, -128.0):
                with pytest.raises(ValueError, match="expected a gain"):
                    mixer.add_stream(stream, gain=gain)
            mixer.add_stream(stream)
            with pytest.raises(ValueError, match="expected a gain"):
                mixer.set_gain(stream, math.nan)
            for ramp in (-1, math.nan, math.inf):
                with pytest.raises(ValueError, match="ramp_ms"):
                    mixer.set_gain(stream, 1.0, ramp_ms=ramp)
            with pytest.raises(ValueError, match="not a stream"):
                mixer.set_gain(ready([]), 1.0)

    run(main())


def test_stats() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(timed([constant(16384)] * 10), name="loud")
            mixer.add_stream(timed([constant(0, 500)] * 10), name="silent")
            for _ in range(5):
                await anext(mixer)
            stats = mixer.stats()
            assert stats.blocks == 5
            assert stats.queued_blocks == 0
            assert set(stats.streams) == {"loud", "silent"}
            assert stats.streams["loud"].samples_in == 5 * 480
            assert stats.streams["loud"].queued_ms == 0
            assert stats.streams["silent"].queued_ms == pytest.approx(100 / 48)
            assert stats.streams["loud"].peak_dbfs == pytest.approx(-6.0206, abs=1e-3)
            assert stats.streams["loud"].rms_dbfs == pytest.approx(-6.0206, abs=1e-3)
            assert stats.streams["silent"].peak_dbfs == -math.inf

    run(main())


# -- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": -1}, "sample_rate"),
        ({"num_channels": 0}, "num_channels"),
        ({"num_channels": 129}, "num_channels"),
        ({"blocksize": -1}, "blocksize"),
        ({"capacity": 0}, "capacity"),
        ({"stream_timeout_ms": 0}, "stream_timeout_ms"),
        ({"stream_timeout_ms": math.nan}, "stream_timeout_ms"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        AudioMixer(**{"sample_rate": RATE, "num_channels": 1, **arguments})
    with pytest.raises(TypeError):
        AudioMixer("48000", 1)  # type: ignore[arg-type]


def test_streams_are_checked() -> None:
    async def main() -> None:
        async with AudioMixer(RATE, 1) as mixer:
            for wrong in (42, [constant(1)], None, constant(1)):
                with pytest.raises(TypeError, match="async iterator"):
                    mixer.add_stream(wrong)  # type: ignore[arg-type]
            stream = timed([constant(1)])
            mixer.add_stream(stream, name="one")
            with pytest.raises(ValueError, match="already"):
                mixer.add_stream(stream)
            with pytest.raises(ValueError, match="name 'one'"):
                mixer.add_stream(timed([]), name="one")
            with pytest.raises(ValueError, match="not a stream"):
                mixer.remove_stream(timed([]))
            mixer.remove_stream(stream)
            with pytest.raises(ValueError, match="not a stream"):
                mixer.remove_stream(stream)

    run(main())


def test_async_iterables_of_all_kinds() -> None:
    class Iterable_:
        def __aiter__(self) -> AsyncIterator[AudioFrame]:
            return ready([constant(1)])

    class OnlyNext:
        left = 1

        async def __anext__(self) -> AudioFrame:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            return constant(2)

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(Iterable_())
            mixer.add_stream(OnlyNext())  # type: ignore[arg-type]
            mixer.end_input()
            return await collect(mixer)

    assert set(run(main()).tolist()) == {3}


def test_random_schedules_lose_nothing(rand: random.Random) -> None:
    """Streams of any timing, with stalls beyond the timeout: each one's own samples come out whole and in order."""
    for _ in range(20):
        lengths = [rand.randrange(1, 60) for _ in range(4)]

        async def main(lengths: list[int] = lengths) -> np.ndarray:
            async with AudioMixer(RATE, 1, blocksize=480, stream_timeout_ms=30) as mixer:
                for k, n in enumerate(lengths):
                    pauses = [rand.choice([0.0, 0.01, 0.01, 0.01, 0.2]) for _ in range(n)]
                    mixer.add_stream(timed([constant(10**k)] * n, pauses.__getitem__))
                mixer.end_input()
                return await collect(mixer)

        blocks = run(main()).reshape(-1, 480)
        assert (blocks == blocks[:, :1]).all()
        for k, n in enumerate(lengths):
            assert sum(int(b) // 10**k % 10 for b in blocks[:, 0]) == n, (lengths, k)
