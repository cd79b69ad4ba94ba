"""AudioMixer: its sum against an exact oracle, other formats, gains, arguments."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livekit_utils import AudioFrame, AudioMixer, AudioResampler, combine_audio_frames
from tests.support.streams import RATE, collect, constant, frame, oracle, ready, split, timed
from tests.support.virtual_time import run

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


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 24000, 44100, 44101])
def test_other_rates_are_resampled(rate: int) -> None:
    tone = np.round(10000 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)).astype(np.int16)

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(ready(frame(tone[i : i + rate // 100], 1, rate) for i in range(0, rate, rate // 100)))
            mixer.end_input()
            return await collect(mixer)

    mixed = run(main())
    assert mixed.size == RATE
    expected = AudioResampler(rate, RATE, engine="samplerate" if rate == 44101 else "polyphase")
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
                with pytest.raises(ValueError, match="gain: expected a number"):
                    mixer.add_stream(stream, gain=gain)
            mixer.add_stream(stream)
            with pytest.raises(ValueError, match="gain: expected a number"):
                mixer.set_gain(stream, math.nan)
            for ramp in (-1, math.nan, math.inf, 1e300, 3_600_001):
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
            assert stats.num_blocks == 5
            assert stats.num_queued_blocks == 0
            assert set(stats.streams) == {"loud", "silent"}
            assert stats.streams["loud"].num_samples_per_channel == 5 * 480
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
        ({"blocksize": 60 * RATE + 1}, "blocksize"),
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
            with pytest.raises(ValueError, match="name: expected one that no other stream has, got 'one'"):
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


# -- channels ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("num_channels", "channels", "expected"),
    [
        (1, [0], [[0]]),
        (1, [4], [[400]]),
        (1, (1, 3), [[200]]),
        (2, [5, 0], [[500, 0]]),
        (2, [3], [[300, 300]]),
        (2, np.array([2, 2]), [[200, 200]]),
        (3, range(2, 5), [[200, 300, 400]]),
    ],
)
def test_channels_are_picked_in_order(num_channels: int, channels: Any, expected: Any, live: bool) -> None:
    surround = [frame(np.tile(np.arange(6) * 100, 480), 6) for _ in range(5)]

    async def main() -> np.ndarray:
        async with AudioMixer(RATE, num_channels, blocksize=480) as mixer:
            mixer.add_stream(timed(surround) if live else ready(surround), channels=channels)
            mixer.add_stream(ready([constant(7, 480 * 5, num_channels)]))
            mixer.end_input()
            return await collect(mixer)

    mixed = run(main()).reshape(-1, num_channels)
    assert np.array_equal(mixed, np.tile(np.array(expected) + 7, (480 * 5, 1)))


def test_a_stream_without_a_channel_that_is_picked_is_removed_and_the_others_go_on(caplog: Any) -> None:
    async def main() -> np.ndarray:
        async with AudioMixer(RATE, 1, blocksize=480) as mixer:
            mixer.add_stream(ready([constant(100, channels=2)]), channels=[2], name="stereo")
            mixer.add_stream(ready([constant(7)]))
            mixer.end_input()
            return await collect(mixer)

    assert np.array_equal(run(main()), np.full(480, 7))
    assert "'stereo' failed and is removed: channels: expected numbers from 0 to 1, got [2]" in caplog.text


@pytest.mark.parametrize(
    ("channels", "error"),
    [
        ([], "expected 1 to 128 numbers, got 0"),
        ([-1], "expected 0 to 127, got -1"),
        ([128], "expected 0 to 127, got 128"),
    ],
)
def test_channels_that_cannot_be_are_refused_and_the_stream_is_not_added(channels: Any, error: str) -> None:
    mixer, stream = AudioMixer(RATE, 1), ready([constant(1)])
    with pytest.raises(ValueError, match=f"channels: {error}"):
        mixer.add_stream(stream, channels=channels)
    assert mixer.stats().streams == {}
    mixer.add_stream(stream, channels=[0])
