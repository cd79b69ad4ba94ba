"""AudioResampler.set_ratio and adjust_ppm: exact lengths, no click, independence of cuts, bad input."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from scipy import signal

from livekit_utils import AudioFrame, AudioResampler, AudioResamplerQuality

QUALITIES = list(AudioResamplerQuality)
ENGINES = ["samplerate", "polyphase"]
PAIRS = [(48000, 48000), (16000, 48000), (48000, 16000), (44100, 48000), (48000, 44100), (8000, 96000)]
# Below a full-scale tone, of all that a sweep of 500 ppm either way adds to it. int16 by itself adds 98 dB less.
FLOORS = {"quick": -69, "low": -94, "medium": -94, "high": -94, "very_high": -94}


def samples_of(frames: Iterable[AudioFrame]) -> np.ndarray:
    parts = [np.asarray(frame) for frame in frames]
    return np.concatenate(parts) if parts else np.zeros((0, 1), np.int16)


def positions(ratios: np.ndarray) -> np.ndarray:
    """Where outputs lie, in inputs: where the sum of the ratios of all inputs before reaches a whole number."""
    sums = np.concatenate([[0.0], np.cumsum(ratios)])
    return np.interp(np.arange(round(sums[-1])), sums, np.arange(len(sums)))


def interpolated(samples: np.ndarray, at: np.ndarray, half_width: int = 400) -> np.ndarray:
    """The band-limited signal between samples, in float64: a sinc in a long Blackman window."""
    padded = np.concatenate([np.zeros(half_width), samples, np.zeros(half_width + 1)])
    out = np.empty(len(at))
    for k, position in enumerate(at):
        i = int(position)
        distance = np.arange(1 - half_width, half_width + 1) - (position - i)
        window = 0.42 + 0.5 * np.cos(np.pi * distance / half_width) + 0.08 * np.cos(2 * np.pi * distance / half_width)
        out[k] = np.sinc(distance) * window @ padded[i + 1 : i + 1 + 2 * half_width]
    return out


def low_noise(num_samples: int, share: float, seed: int) -> np.ndarray:
    """Noise up to a third of the lower rate, which MEDIUM passes; that rate is `share` of the noise's."""
    rng = np.random.default_rng(seed)
    spectrum = np.zeros(num_samples // 2 + 1, complex)
    top = int(num_samples * share / 3)
    spectrum[1:top] = rng.standard_normal(top - 1) + 1j * rng.standard_normal(top - 1)
    noise = np.fft.irfft(spectrum, num_samples) * signal.windows.tukey(num_samples, 0.2)
    return np.round(noise / np.abs(noise).max() * 16000).astype(np.int16)


def cut(rand: random.Random, num_samples: int) -> list[int]:
    sizes = []
    while sum(sizes) < num_samples:
        sizes.append(min(rand.choice([1, 2, 50, 441, 480, 1000, 3000]), num_samples - sum(sizes)))
    return sizes


def push_all(resampler: AudioResampler, samples: np.ndarray, sizes: Iterable[int]) -> list[AudioFrame]:
    frames, start = [], 0
    for size in sizes:
        frames += resampler.push(np.ascontiguousarray(samples[start : start + size]))
        start += size
        if start >= len(samples):
            break
    return frames


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_a_constant_ratio_gives_what_its_sum_says_in_whatever_pieces(
    a: int, b: int, quality: str, engine: Any, rand: random.Random
) -> None:
    samples = np.random.default_rng(rand.randrange(2**32)).integers(-32768, 32768, 6007, dtype=np.int16)
    for change in (rand.uniform(-500e-6, 500e-6), rand.uniform(-0.4, 0.4)):
        resampler = AudioResampler(a, b, quality=quality, engine=engine)
        resampler.set_ratio(b / a * (1 + change))
        assert resampler.ratio == b / a * (1 + change)
        whole = samples_of(push_all(resampler, samples, [6007]) + resampler.flush())
        assert abs(len(whole) - 6007 * resampler.ratio) <= 0.5 + 1e-6
        for _ in range(2):
            parts = push_all(resampler, samples, cut(rand, 6007)) + resampler.flush()
            assert np.array_equal(samples_of(parts), whole)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_ramps_give_the_sum_of_the_ratios_in_whatever_pieces(a: int, b: int, rand: random.Random) -> None:
    nominal = b / a
    size = a // 50
    for _ in range(3):
        samples = low_noise(6 * size, min(1.0, nominal), rand.randrange(2**32))
        steps = [(nominal * (1 + rand.uniform(-0.01, 0.01)), rand.choice([0, 5, 20, 35])) for _ in range(6)]
        ratios, outs = np.empty(0), []
        now = nominal
        for k, (ratio, ramp_ms) in enumerate(steps):
            length = round(ramp_ms * a / 1000)
            ramp = now + (ratio - now) * np.arange(length) / max(1, length)
            ratios = np.concatenate([ratios[: k * size], ramp, np.full(6 * size, ratio)])
            now = ratios[(k + 1) * size]
        ratios = ratios[: 6 * size]
        for sizes in ([size], cut(rand, size)):
            resampler = AudioResampler(a, b, engine="auto")
            frames = []
            for k, (ratio, ramp_ms) in enumerate(steps):
                resampler.set_ratio(ratio, ramp_ms)
                frames += push_all(resampler, samples[k * size : (k + 1) * size], sizes)
            outs.append(samples_of(frames + resampler.flush()))
        assert np.array_equal(*outs)
        assert abs(len(outs[0]) - ratios.sum()) <= 0.5 + 1e-6
        expected = interpolated(samples.astype(float), positions(ratios))
        inner = slice(len(expected) // 10, -len(expected) // 10)
        error = outs[0][inner, 0] - expected[: len(outs[0])][inner]
        assert np.abs(error).max() < 4 + 16000 * 4e-4  # the passband of MEDIUM ripples by less than that


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("a", "b"), [(48000, 48000), (16000, 48000), (48000, 16000), (44100, 48000)])
def test_a_sweep_of_500_ppm_leaves_a_tone_a_tone(a: int, b: int, quality: str, engine: Any) -> None:
    """The phase of the tone is known at every output; what differs from the tone is noise, images and clicks."""
    num_samples = 2 * a
    tone = np.round(32000 * np.sin(2 * np.pi * 1000 * np.arange(num_samples) / a)).astype(np.int16)
    resampler = AudioResampler(a, b, quality=quality, engine=engine)
    nominal, frames, ratios = b / a, [], [np.full(a // 10, b / a)]
    frames += push_all(resampler, tone[: a // 10], itertools.repeat(a // 100))
    start, now = a // 10, nominal
    # Up, down, and back in 20 s' worth of steps, each a ramp that lasts as long as it.
    for ppm in [*range(0, 501, 50), *range(500, -501, -100), *range(-500, 1, 50)]:
        size = a // 20
        resampler.adjust_ppm(ppm, ramp_ms=50)
        ratio = nominal * (1 + ppm / 1e6)
        ratios.append(now + (ratio - now) * np.arange(size) / size)
        frames += push_all(resampler, tone[start : start + size], itertools.repeat(a // 100))
        start, now = start + size, ratio
    out = samples_of(frames + resampler.flush())[:, 0].astype(float)
    at = positions(np.concatenate(ratios))
    assert abs(len(out) - np.concatenate(ratios).sum()) <= 0.5 + 1e-6
    # Without the start, which another engine made.
    out, at = out[b // 5 : -b // 20], at[b // 5 : -b // 20]
    phase = 2 * np.pi * 1000 * at / a
    basis = np.stack([np.sin(phase), np.cos(phase)], axis=1)
    fitted = basis @ np.linalg.lstsq(basis, out, rcond=None)[0]
    floor = 10 * math.log10(np.mean((out - fitted) ** 2) / np.mean(fitted**2))
    assert floor < FLOORS[quality], floor
    # No click: no short piece is much worse than the whole.
    pieces = (out - fitted)[: len(out) // 64 * 64].reshape(-1, 64)
    worst = 10 * math.log10((pieces**2).mean(axis=1).max() / np.mean(fitted**2))
    assert worst < FLOORS[quality] + 6, worst


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("a", "b"), [*PAIRS, (96000, 8000), (1000, 192000)])
def test_a_stream_goes_on_without_a_click_where_the_ratio_first_changes(
    a: int, b: int, quality: str, engine: Any, rand: random.Random
) -> None:
    size, before = a // 5, rand.choice([1, 3, a // 100, a // 20, a // 10 + 1])
    hz = min(a, b) / 40
    tone = np.round(16000 * np.sin(2 * np.pi * hz * np.arange(size) / a)).astype(np.int16)
    resampler = AudioResampler(a, b, quality=quality, engine=engine, num_channels=2)
    both = np.stack([tone, -tone // 2], axis=1)
    frames = push_all(resampler, both[:before], cut(rand, before))
    resampler.adjust_ppm(300)
    assert resampler.engine == "polyphase"
    frames += push_all(resampler, both[before:], cut(rand, size - before))
    out = samples_of(frames + resampler.flush())
    ratios = np.concatenate([np.full(before, b / a), np.full(size - before, b / a * 1.0003)])
    assert abs(len(out) - ratios.sum()) <= 0.5 + 1e-6
    at = positions(ratios)[: len(out)]
    expected = 16000 * np.sin(2 * np.pi * hz * at / a)
    inner = slice(b // 50, -b // 50)
    # Linear interpolation misses the tone by the chord of its arc; QUICK by what it does not reject.
    tolerance = 16000 * (2 * np.pi * hz / a) ** 2 / 8 + 25 if quality == "quick" else 12
    assert np.abs(out[inner, 0] - expected[inner]).max() < tolerance
    assert np.abs(out[inner, 1] + expected[inner] / 2).max() < tolerance


def test_the_first_change_loses_nothing_wherever_it_comes(rand: random.Random) -> None:
    """Pushes, changes and ends in any order: the length is right, and outputs lie where they should."""
    for _ in range(40):
        a, b = rand.choice(PAIRS)
        n, before = rand.randrange(1, 2000), rand.randrange(0, 1500)
        quality, engine = rand.choice(QUALITIES), rand.choice(ENGINES)
        resampler = AudioResampler(a, b, quality=quality, engine=engine)
        frames = resampler.push(bytes(2 * before))
        resampler.set_ratio(b / a * 1.25)
        if rand.random() < 0.8:
            frames += push_all(resampler, np.zeros(n, np.int16), cut(rand, n))
        else:
            n = 0
        total = before * b / a + n * b / a * 1.25
        out = samples_of(frames + resampler.flush())
        assert abs(len(out) - total) <= 0.5 + 1e-6, (a, b, quality, engine, before, n)


def test_the_nominal_ratio_changes_nothing() -> None:
    for engine in ENGINES:
        resampler = AudioResampler(44100, 48000, engine=engine)
        resampler.set_ratio(48000 / 44100)
        resampler.adjust_ppm(0)
        assert resampler.engine == engine
        assert resampler.ratio == 48000 / 44100


def test_the_ratio_outlives_the_stream_and_a_ramp_ends_with_it() -> None:
    resampler = AudioResampler(48000, 48000)
    resampler.set_ratio(1.2, ramp_ms=1000)
    resampler.push(bytes(2 * 4800))
    assert 1.0 < resampler.ratio < 1.03
    resampler.flush()
    assert resampler.ratio == 1.2
    assert sum(f.samples_per_channel for f in resampler.push(bytes(2 * 10000)) + resampler.flush()) == 12000
    resampler.set_ratio(0.9, ramp_ms=1000)
    resampler.push(bytes(2 * 100))
    resampler.reset()
    assert resampler.ratio == 0.9
    assert resampler.flush() == []


def test_latency_is_that_of_the_bank() -> None:
    for engine, quality in itertools.product(ENGINES, QUALITIES):
        resampler = AudioResampler(48000, 48000, quality=quality, engine=engine)
        resampler.adjust_ppm(1)
        pushed = 0
        while not resampler.push(bytes(2)):
            pushed += 1
        assert resampler.latency == pytest.approx(pushed / 48000)
        assert resampler.latency <= 0.002


def test_silence_stays_silence_and_full_scale_saturates() -> None:
    resampler = AudioResampler(48000, 48000)
    resampler.adjust_ppm(77)
    assert not samples_of(resampler.push(bytes(20000)) + resampler.flush()).any()
    square = np.where(np.arange(5000) // 50 % 2, 32767, -32768).astype(np.int16)
    out = samples_of(resampler.push(square) + resampler.flush())
    assert out.max() == 32767
    assert out.min() == -32768
    steady = samples_of(resampler.push(np.full(5000, 32767, np.int16)))
    assert (steady[100:] >= 32766).all()


def test_days_do_not_drift() -> None:
    """The sum of many inexact ratios: a second stands for the rest, because every second is computed alike."""
    resampler = AudioResampler(48000, 48000, quality="quick")
    resampler.adjust_ppm(1000 / 3)
    block = bytes(2 * 480_000)
    total = sum(f.samples_per_channel for _ in range(120) for f in resampler.push(block))
    total += sum(f.samples_per_channel for f in resampler.flush())
    assert abs(total - 120 * 480_000 * Fraction(resampler.ratio)) <= 1


@pytest.mark.parametrize("ratio", [0, -1, 0.499, 1.501, 256, math.nan, math.inf, -math.inf, 10**400])
def test_ratios_out_of_range(ratio: float) -> None:
    resampler = AudioResampler(48000, 48000)
    with pytest.raises(ValueError, match=r"ratio: expected a number from 0.5 to 1.5, got"):
        resampler.set_ratio(ratio)
    assert resampler.ratio == 1
    assert resampler.push(bytes(20))[0].samples_per_channel == 10


def test_other_wrong_arguments_change_nothing() -> None:
    resampler = AudioResampler(16000, 48000)
    resampler.set_ratio(3.003)
    for wrong in (-1, math.nan, 3_600_001):
        with pytest.raises(ValueError, match="ramp_ms"):
            resampler.set_ratio(3, ramp_ms=wrong)
    for ppm in (-500_001, 500_001, math.nan, math.inf):
        with pytest.raises(ValueError, match="ppm: expected"):
            resampler.adjust_ppm(ppm)
    for nothing in ("3", None):
        with pytest.raises(TypeError):
            resampler.set_ratio(nothing)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            resampler.adjust_ppm(nothing)  # type: ignore[arg-type]
    assert resampler.ratio == 3.003
    resampler.adjust_ppm(-500_000)
    assert resampler.ratio == 1.5
    resampler.adjust_ppm(500_000)
    assert resampler.ratio == 4.5
