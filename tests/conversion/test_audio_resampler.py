"""AudioResampler: exact counts, alignment, independence of how the stream is cut, bad input."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from scipy import signal

from livekit_utils import AudioFrame, AudioResampler, AudioResamplerQuality, combine_audio_frames
from tests.support.long_runs import shortened

QUALITIES = list(AudioResamplerQuality)
ENGINES = ["samplerate", "polyphase"]
CONVERTERS = [(engine, quality) for engine in ENGINES for quality in QUALITIES]
# All but the linear one, which aliases.
SINC = CONVERTERS[1:]
RATES = [8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000]
# 30 of the pairs, every rate on both sides.
PAIRS = [pair for pair in itertools.permutations(RATES, 2) if max(pair) <= 6 * min(pair)][:26]
PAIRS += [
    (8000, 96000),
    (96000, 8000),
    (44100, 44101),
    (1000, 192000),
]
# What is left for the engine of small ratios.
SMALL = [pair for pair in PAIRS if pair != (44100, 44101)]
BLOCKS = [1, 7, 441, 480, 1024, 9600]


def samples_of(frames: Iterable[AudioFrame]) -> np.ndarray:
    frames = list(frames)
    return np.asarray(combine_audio_frames(frames)).copy() if frames else np.zeros((0, 1), np.int16)


def stream(resampler: AudioResampler, samples: np.ndarray, blocks: Iterable[int]) -> np.ndarray:
    frames: list[AudioFrame] = []
    at = 0
    for n in blocks:
        frames += resampler.push(np.ascontiguousarray(samples[at : at + n]))
        at += n
        if at >= len(samples):
            break
    return samples_of(frames + resampler.flush())


def tone(freq: float, rate: int, num_frames: int, amplitude: float = 20000) -> np.ndarray:
    return np.round(amplitude * np.sin(2 * np.pi * freq * np.arange(num_frames) / rate)).astype(np.int16)


def test_there_are_thirty_pairs() -> None:
    assert len(set(PAIRS)) == 30


@pytest.mark.parametrize(
    ("input_rate", "output_rate", "engine", "quality"),
    [(*pair, "samplerate", quality) for pair in PAIRS for quality in QUALITIES]
    + [(*pair, "polyphase", quality) for pair in SMALL for quality in QUALITIES],
)
def test_counts_are_exact_and_cuts_do_not_matter(input_rate: int, output_rate: int, engine: Any, quality: str) -> None:
    rng = np.random.default_rng(input_rate + output_rate)
    for block in BLOCKS:
        # Long enough for several blocks where they are large, short where they are many.
        n = min(max(3 * block + 5, 700), 10007 if output_rate < 50 * input_rate else 2003)
        samples = rng.integers(-32768, 32768, n, dtype=np.int16)
        resampler = AudioResampler(input_rate, output_rate, quality=quality, engine=engine)
        whole = stream(resampler, samples, [n])
        cut = stream(resampler, samples, itertools.repeat(block))
        assert len(whole) == round(n * output_rate / input_rate)
        assert np.array_equal(whole, cut), (block, np.abs(whole.astype(int) - cut).max())


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
def test_random_cuts_and_channels(engine: Any, quality: str, rand: random.Random) -> None:
    rng = np.random.default_rng(rand.randrange(2**32))
    for _ in range(8):
        channels = rand.randrange(1, 6)
        a, b = rand.choice(PAIRS if engine == "samplerate" else SMALL)
        samples = rng.integers(-32768, 32768, (3000, channels), dtype=np.int16)
        resampler = AudioResampler(a, b, num_channels=channels, quality=quality, engine=engine)
        whole = stream(resampler, samples, [3000])
        cut = stream(resampler, samples, iter(lambda: rand.choice([0, 1, 2, 50, 480, 1000]), None))
        assert np.array_equal(whole, cut)
        # Every channel is converted as if it were alone.
        alone = AudioResampler(a, b, quality=quality, engine=engine)
        for channel in range(channels):
            assert np.array_equal(stream(alone, samples[:, channel], [3000])[:, 0], whole[:, channel])


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
@pytest.mark.parametrize(("a", "b"), [(48000, 16000), (16000, 48000), (44100, 48000), (48000, 44100), (8000, 48000)])
def test_output_is_aligned_with_the_input_to_its_ends(a: int, b: int, engine: Any, quality: str) -> None:
    """A tone in the passband comes out as the same tone, from the first sample to the last."""
    n = a // 4
    freq = 440.0
    faded = tone(freq, a, n) * signal.windows.tukey(n, 0.2)
    resampler = AudioResampler(a, b, quality=quality, engine=engine)
    out = stream(resampler, np.round(faded).astype(np.int16), itertools.repeat(480))[:, 0]
    ideal = 20000 * np.sin(2 * np.pi * freq * np.arange(len(out)) / b)
    ideal *= np.interp(np.arange(len(out)) / b, np.arange(n) / a, signal.windows.tukey(n, 0.2))
    # In steps of 20000: a chord misses its arc by at most 1/8 of the square of its angle; sinc ripples by 0.05 %.
    # The shortest filter bank ripples by 0.1 %, and leaves images of 60 dB less.
    tolerance = 12.0 if quality != "quick" else 40.0 if engine == "polyphase" else 2.0
    if (engine, quality) == CONVERTERS[0]:
        tolerance += 20000 * (2 * np.pi * freq / a) ** 2 / 8
    assert np.abs(out - ideal).max() < tolerance


@pytest.mark.parametrize(("engine", "quality"), SINC)
@pytest.mark.parametrize(("a", "b"), [(48000, 16000), (44100, 16000), (96000, 44100), (96000, 48000), (48000, 8000)])
def test_no_alias_above_80_db_or_60_where_it_is_quick(a: int, b: int, engine: Any, quality: str) -> None:
    """A tone above the new Nyquist frequency must vanish."""
    freq = b / 2 * 1.35
    resampler = AudioResampler(a, b, quality=quality, engine=engine)
    out = stream(resampler, tone(freq, a, a, 32000), itertools.repeat(a // 100))[:, 0]
    middle = out[b // 10 : -b // 10].astype(float)
    assert np.abs(middle).max() <= 32768 * 10 ** ((-60 if quality == "quick" else -80) / 20)


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
def test_every_push_answers_and_latency_is_what_is_held_back(engine: Any, quality: str) -> None:
    for a, b in [(48000, 16000), (16000, 48000), (44100, 48000), (24000, 48000), (48000, 44100), (48000, 8000)]:
        resampler = AudioResampler(a, b, quality=quality, engine=engine)
        n = a // 100
        counts = [sum(f.samples_per_channel for f in resampler.push(bytes(2 * n))) for _ in range(100)]
        quiet = math.ceil(resampler.latency / 0.01)
        assert all(abs(count - n * b / a) <= 1 for count in counts[quiet:])
        assert all(count == 0 for count in counts[: quiet - 1])
        held = 100 * n / a - sum(counts) / b
        assert resampler.latency - 1.5 / min(a, b) <= held <= resampler.latency + 1e-9, (a, b)
        assert resampler.latency < 0.019


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
def test_silence_stays_silence_and_runs_are_equal(engine: Any, quality: str) -> None:
    resampler = AudioResampler(44100, 48000, quality=quality, engine=engine)
    assert not stream(resampler, np.zeros(10000, np.int16), itertools.repeat(441)).any()
    noise = np.random.default_rng(1).integers(-32768, 32768, 5000, dtype=np.int16)
    first = stream(resampler, noise, itertools.repeat(441))
    assert np.array_equal(first, stream(resampler, noise, itertools.repeat(441)))
    assert np.array_equal(first, stream(AudioResampler(44100, 48000, quality=quality, engine=engine), noise, [5000]))


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
def test_equal_rates_are_a_copy(engine: Any, quality: str) -> None:
    noise = np.random.default_rng(2).integers(-32768, 32768, 960, dtype=np.int16)
    resampler = AudioResampler(48000, 48000, quality=quality, engine=engine)
    (out,) = resampler.push(noise)
    assert np.array_equal(np.asarray(out)[:, 0], noise)
    assert not np.shares_memory(np.asarray(out), noise)
    assert resampler.flush() == []
    assert resampler.latency == 0


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
@pytest.mark.parametrize(("a", "b"), [(16000, 48000), (48000, 16000), (44100, 48000)])
def test_full_scale_saturates_and_never_wraps(a: int, b: int, engine: Any, quality: str) -> None:
    square = np.where(np.arange(a // 4) // (a // 100) % 2, -32768, 32767).astype(np.int16)
    out = stream(AudioResampler(a, b, quality=quality, engine=engine), square, itertools.repeat(a // 100))[:, 0]
    level = np.where(np.arange(len(out)) // (b // 100) % 2, -1, 1)
    position = np.arange(len(out)) % (b // 100)
    inner = (position > 5) & (position < b // 100 - 5)
    assert (np.sign(out.astype(int)) == level)[inner].all()


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
def test_flush_and_reset(engine: Any, quality: str) -> None:
    resampler = AudioResampler(48000, 16000, quality=quality, engine=engine)
    assert resampler.flush() == []
    noise = np.random.default_rng(3).integers(-32768, 32768, 1000, dtype=np.int16)
    assert len(samples_of(resampler.push(noise) + resampler.flush())) == 333
    assert resampler.flush() == []
    fresh = stream(AudioResampler(48000, 16000, quality=quality, engine=engine), noise, [1000])
    resampler.push(np.full(777, 32767, np.int16))
    resampler.reset()
    assert resampler.flush() == []
    assert np.array_equal(stream(resampler, noise, [1000]), fresh)  # no trace of what was before


def test_any_order_of_calls(rand: random.Random) -> None:
    for engine, quality in CONVERTERS:
        resampler = AudioResampler(44100, 16000, quality=quality, engine=engine)
        pushed = out = 0
        for _ in range(300):
            match rand.randrange(6):
                case 0:
                    out += sum(f.samples_per_channel for f in resampler.flush())
                    assert out == round(pushed * 16000 / 44100)
                    pushed = out = 0
                case 1:
                    resampler.reset()
                    pushed = out = 0
                case _:
                    n = rand.choice([0, 1, 2, 3, 441, 1000])
                    out += sum(f.samples_per_channel for f in resampler.push(rand.randbytes(2 * n)))
                    pushed += n
                    assert out <= round(pushed * 16000 / 44100)


def test_all_kinds_of_input_are_equal() -> None:
    samples = np.random.default_rng(4).integers(-32768, 32768, (480, 2), dtype=np.int16)
    raw = samples.tobytes()

    class Foreign:
        data = memoryview(raw).cast("h")
        sample_rate = 48000
        num_channels = 2
        samples_per_channel = 480

    inputs: list[Any] = [raw, bytearray(raw), memoryview(raw), memoryview(raw).cast("h"), samples, Foreign()]
    inputs.append(AudioFrame(raw, 48000, 2, 480))
    inputs.append(memoryview(b"x" + raw)[1:])
    results = []
    for data in inputs:
        resampler = AudioResampler(48000, 16000, num_channels=2)
        results.append(samples_of(resampler.push(data) + resampler.flush()))
    for result in results[1:]:
        assert np.array_equal(result, results[0])


def test_the_output_owns_its_samples() -> None:
    resampler = AudioResampler(48000, 16000)
    source = bytearray(960)
    (out,) = resampler.push(source)
    source.extend(b"grows")  # nothing is borrowed any more
    assert not out.data.readonly
    assert (out.sample_rate, out.num_channels) == (16000, 1)


@pytest.mark.parametrize(
    ("arguments", "keywords", "match"),
    [
        ((0, 16000), {}, "input_rate: expected 1 to 1073741823, got 0"),
        ((48000, 0), {}, "output_rate: expected 1 to 1073741823, got 0"),
        ((-1, 16000), {}, "input_rate: expected 1 to"),
        ((2**30, 2**30 - 1), {}, "input_rate: expected 1 to"),
        ((48000, 100), {}, "output_rate: expected a rate within a factor of 256 of 48000 Hz, got 100 Hz"),
        ((1, 48000), {}, "output_rate: expected a rate within a factor of 256 of 1 Hz, got 48000 Hz"),
        ((48000, 16000), {"num_channels": 0}, "num_channels: expected 1 to 128, got 0"),
        ((48000, 16000), {"num_channels": 129}, "num_channels: expected 1 to 128"),
        ((48000, 16000), {"quality": "best"}, "quality: expected one of quick, low, medium, high, very_high"),
        ((48000, 16000), {"engine": "sox"}, "engine: expected one of samplerate, polyphase, auto, got 'sox'"),
        (
            (44100, 44101),
            {"engine": "polyphase"},
            "output_rate: expected a ratio of whole numbers up to 2560 to 44100 Hz, got 44101 Hz; "
            'engine="samplerate" converts them',
        ),
        ((2561, 1000), {"engine": "polyphase"}, "output_rate: expected a ratio of whole numbers up to 2560"),
        ((48000, 100), {"engine": "polyphase"}, "output_rate: expected a rate within a factor of 256"),
        ((48000, 16000), {"engine": "polyphase", "num_channels": 129}, "num_channels: expected 1 to 128"),
    ],
)
def test_bad_arguments(arguments: tuple[int, int], keywords: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=f"^{match}"):
        AudioResampler(*arguments, **keywords)


@pytest.mark.parametrize(
    ("arguments", "keywords", "name"),
    [
        ((48000.0, 16000), {}, "input_rate"),
        ((48000, "16000"), {}, "output_rate"),
        ((48000, 16000), {"num_channels": None}, "num_channels"),
        ((48000, 16000), {"quality": None}, "quality"),
        ((48000, 16000), {"engine": []}, "engine"),
    ],
)
def test_arguments_of_the_wrong_type(arguments: Any, keywords: dict[str, Any], name: str) -> None:
    with pytest.raises(TypeError, match=f"^{name}: expected "):
        AudioResampler(*arguments, **keywords)


@pytest.mark.parametrize("thing", [None, 3, "text", object()])
def test_input_that_is_no_audio(thing: Any) -> None:
    with pytest.raises(TypeError, match=f"^data: expected a frame or a buffer of int16, got {type(thing).__name__}"):
        AudioResampler(48000, 16000).push(thing)


def test_what_it_was_made_with() -> None:
    resampler = AudioResampler(48000, 16000, quality="high", engine="polyphase")
    assert (resampler.input_rate, resampler.output_rate, resampler.num_channels) == (48000, 16000, 1)
    assert (resampler.quality, resampler.engine) == (AudioResamplerQuality.HIGH, "polyphase")
    assert "quality='high', engine='polyphase'" in repr(resampler)
    assert AudioResampler(48000, 16000).engine == "samplerate"


def test_rates_are_integers() -> None:
    with pytest.raises(TypeError):
        AudioResampler(48000.0, 16000)  # type: ignore[arg-type]
    for kind in (np.uint16, np.int32, np.int64):
        assert AudioResampler(kind(48000), kind(16000)).input_rate == 48000  # type: ignore[arg-type]


@pytest.mark.parametrize(("engine", "quality"), CONVERTERS)
def test_bad_input_is_refused_and_changes_nothing(engine: Any, quality: str) -> None:
    noise = np.random.default_rng(5).integers(-32768, 32768, (2000, 2), dtype=np.int16)
    clean = stream(AudioResampler(48000, 16000, num_channels=2, quality=quality, engine=engine), noise, [1000, 1000])
    resampler = AudioResampler(48000, 16000, num_channels=2, quality=quality, engine=engine)
    frames = resampler.push(noise[:1000])
    wrong: list[tuple[Any, type[Exception]]] = [
        (AudioFrame.create(44100, 2, 441), ValueError),
        (AudioFrame.create(48000, 1, 480), ValueError),
        (b"123", ValueError),
        (b"12", ValueError),  # a sample for one channel of two
        (noise[::2], ValueError),
        (np.zeros((10, 2), np.float32), TypeError),
        ("text", TypeError),
        (None, TypeError),
        ([1, 2], TypeError),
    ]
    for data, error in wrong:
        with pytest.raises(error):
            resampler.push(data)
    frames += resampler.push(noise[1000:])
    assert np.array_equal(samples_of(frames + resampler.flush()), clean)


def test_a_long_stream_does_not_drift() -> None:
    """Minutes at the awkward ratio 44100:48000: the last click is where it belongs."""
    resampler = AudioResampler(44100, 48000, quality="low")
    quick = AudioResampler(44100, 48000, quality="quick")
    polyphase = AudioResampler(44100, 48000, engine="polyphase")
    silence = bytes(2 * 44100)
    outs = {resampler: 0, quick: 0, polyphase: 0}
    seconds = shortened(600)
    for _ in range(seconds):
        for each in outs:
            outs[each] += sum(f.samples_per_channel for f in each.push(silence))
    click = np.zeros(4410, np.int16)
    click[2205] = 30000
    for each, count in outs.items():
        tail = samples_of(each.push(click) + each.flush())[:, 0]
        assert count + len(tail) == round((seconds * 44100 + 4410) * 48000 / 44100)
        where = count + np.argmax(np.abs(tail))
        assert abs(where - (seconds * 48000 + 2400)) <= 1
