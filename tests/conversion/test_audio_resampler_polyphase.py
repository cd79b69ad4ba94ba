"""The polyphase engine: the same samples as scipy with the same taps, and what its filters let through."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import signal

from livekit_utils import AudioFrame, AudioResampler, AudioResamplerQuality, combine_audio_frames
from livekit_utils.conversion.engines import engine_for
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.conversion.polyphase_design import _feedback, design, reduced
from tests.support.randomness import Rand

RATES = [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 192000]
PAIRS = list(itertools.permutations(RATES, 2))
QUALITIES = list(AudioResamplerQuality)
GOOD = QUALITIES[2:]  # from MEDIUM up


def prototype(input_rate: int, output_rate: int, quality: str) -> tuple[np.ndarray, int, int]:
    """The bank as one filter at the least common multiple of the rates, centred, and the rates' ratio."""
    step, num_phases = reduced(input_rate, output_rate)
    rounded, fraction_bits, look_ahead = design(step, num_phases, quality)
    bank = rounded / 2.0**fraction_bits
    num_taps = bank.shape[1]
    taps = np.zeros(2 * num_taps * num_phases + 1)
    # The tap of an input that lies n behind an output of phase p stands at p + n * num_phases from the centre.
    behind = num_taps - 1 - look_ahead - np.arange(num_taps)
    centre = num_taps * num_phases
    taps[centre + np.arange(num_phases)[:, np.newaxis] + behind * num_phases] = bank
    return taps, step, num_phases


def converted(samples: np.ndarray, input_rate: int, output_rate: int, quality: Any, block: int = 480) -> np.ndarray:
    num_channels = 1 if samples.ndim == 1 else samples.shape[1]
    resampler = AudioResampler(input_rate, output_rate, num_channels=num_channels, quality=quality, engine="polyphase")
    frames: list[AudioFrame] = []
    for at in range(0, len(samples), block):
        frames += resampler.push(samples[at : at + block])
    return np.asarray(combine_audio_frames(frames + resampler.flush())).reshape(-1, *samples.shape[1:])


def tone(freq: float, rate: int, num_frames: int, amplitude: float) -> np.ndarray:
    return np.round(amplitude * np.sin(2 * np.pi * freq * np.arange(num_frames) / rate)).astype(np.int16)


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("input_rate", RATES)
def test_the_same_samples_as_scipy_whatever_the_blocks(input_rate: int, quality: str) -> None:
    rng = np.random.default_rng(input_rate)
    # Full-scale squares overshoot, so that the result has to saturate; noise finds everything else.
    square = np.repeat(rng.choice([-32768, 32767], 60), max(5, input_rate // 4000))
    samples = np.concatenate([rng.integers(-32768, 32768, 300), square]).astype(np.int16)
    for output_rate in RATES:
        if output_rate == input_rate:
            continue
        taps, step, num_phases = prototype(input_rate, output_rate, quality)
        expected = signal.resample_poly(samples.astype(np.float64), num_phases, step, window=taps / num_phases)
        assert np.abs(expected).max() > 32768
        for block in (1, 7, input_rate // 100, len(samples)):
            out = converted(samples, input_rate, output_rate, quality, block)
            assert len(out) == round(len(samples) * output_rate / input_rate)
            # Half a step of rounding, and what float64 leaves.
            distance = np.abs(out - np.clip(expected[: len(out)], -32768, 32767)).max()
            assert distance < 0.5 + 1e-6, (output_rate, block, distance)


# Passband, rejection in dB, and latency in seconds.
LIMITS = {
    "quick": (0.60, 63, 0.0005),
    "low": (0.80, 93, 0.001),
    "medium": (0.90, 99, 0.0015),
    "high": (0.95, 104, 0.002),
    "very_high": (0.97, 120, 0.006),
}


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(
    ("input_rate", "output_rate"), [(1, 3), (3, 1), (44100, 48000), (48000, 44100), (11025, 192000)]
)
def test_passband_and_rejection(input_rate: int, output_rate: int, quality: str) -> None:
    passband, rejection_db, _ = LIMITS[quality]
    taps, step, num_phases = prototype(input_rate, output_rate, quality)
    freqs, response = signal.freqz(taps / num_phases, worN=1 << (len(taps).bit_length() + 1), fs=2 * num_phases)
    freqs = freqs * max(1, step / num_phases)  # 1 is the lower rate's Nyquist frequency
    level_db = 20 * np.log10(np.maximum(np.abs(response), 1e-12))
    assert np.abs(level_db[freqs <= passband]).max() <= 0.1
    assert level_db[freqs >= 1.15].max() <= -rejection_db
    if quality == "very_high":
        assert level_db[freqs >= 1.04].max() <= -110


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("a", "b"), [(48000, 16000), (44100, 16000), (96000, 44100), (48000, 44100)])
def test_tones_that_would_alias_are_gone(a: int, b: int, quality: str) -> None:
    limit = 32767 * 10 ** (-LIMITS[quality][1] / 20)
    for share in (1.15, 1.25, 1.6):
        freq = share * b / 2
        if freq < a / 2:
            out = converted(tone(freq, a, a // 4, 32767), a, b, quality)[b // 50 : -b // 50]
            # The rounding of the input is noise of its own.
            assert np.abs(out).max() <= limit + 1, share


@pytest.mark.parametrize("quality", GOOD)
@pytest.mark.parametrize(("a", "b"), [(48000, 16000), (16000, 48000), (44100, 48000), (48000, 44100), (48000, 24000)])
def test_noise_is_that_of_the_two_roundings(a: int, b: int, quality: str) -> None:
    """997 Hz at -6 dBFS. The input is rounded, and what of that lies in the band of the output stays; the output is
    rounded again. Nothing else may be there."""
    peak = 32768 * 10 ** (-6 / 20)
    out = converted(tone(997, a, 2 * a, peak), a, b, quality)[b // 20 : -b // 20].astype(np.float64)
    angles = 2 * np.pi * 997 / b * np.arange(len(out))
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    factors = np.linalg.lstsq(waves, out, rcond=None)[0]
    sinad_db = 10 * np.log10(factors @ factors / 2 / np.var(out - waves @ factors))
    limit_db = 10 * np.log10(peak**2 / 2 / ((1 + min(1, b / a)) / 12))
    assert sinad_db >= limit_db - 0.3
    if b < a / 1.5:
        assert sinad_db >= 91


@pytest.mark.parametrize("quality", QUALITIES)
def test_latency(quality: str) -> None:
    latency = AudioResampler(48000, 16000, quality=quality, engine="polyphase").latency
    assert 0 < latency <= LIMITS[quality][2]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize(("a", "b"), [(48000, 16000), (44100, 48000)])
def test_channels_stay_apart(a: int, b: int, quality: str) -> None:
    noise = np.random.default_rng(7).integers(-32768, 32768, a // 10, dtype=np.int16)
    for channel in range(3):
        samples = np.zeros((len(noise), 3), np.int16)
        samples[:, channel] = noise
        out = converted(samples, a, b, quality)
        assert out[:, channel].any()
        assert not np.delete(out, channel, axis=1).any()


def test_a_constant_comes_out_as_it_is() -> None:
    for (a, b), quality, level in itertools.product(PAIRS[::5], QUALITIES, (-32768, 1, 32767)):
        out = converted(np.full(a // 25, level, np.int16), a, b, quality)
        middle = out[len(out) // 3 : -len(out) // 3]
        assert (middle == level).all(), (a, b, quality)


def test_resamplers_of_one_ratio_share_a_filter() -> None:
    from livekit_utils.conversion.polyphase_design import filter_of

    assert filter_of(48000, 16000, "medium") is filter_of(24000, 8000, "medium")
    assert filter_of(48000, 16000, "medium") is not filter_of(48000, 16000, "high")


def test_conversions_inside_take_the_engine_that_takes_the_ratio() -> None:
    assert {engine_for(a, b) for a, b in PAIRS} == {"polyphase"}
    assert engine_for(44100, 44101) == "samplerate"
    for rate, engine in ((44100, "polyphase"), (44101, "samplerate")):
        converter = FrameConverter(48000, 1)
        frames = [converter.push(AudioFrame.create(rate, 1, rate // 100)) for _ in range(10)]
        frames.append(converter.flush())
        assert sum(frame.samples_per_channel for block in frames for frame in block) == round(
            rate // 100 * 480000 / rate
        )
        assert converter._resampler is not None
        assert converter._resampler.engine == engine


def test_feedback_of_the_rounding(rand: Rand) -> None:
    """It solves the normal equations of the autocorrelation."""
    for _ in range(20):
        noise = np.array([rand.gauss(0, 1) for _ in range(64)])
        power = np.array([noise[lag:] @ noise[: 64 - lag] for lag in range(9)])
        lags = np.arange(8)
        expected = np.linalg.solve(power[abs(lags[:, np.newaxis] - lags)], -power[1:])
        assert _feedback(power.tolist()) == pytest.approx(expected, rel=1e-9, abs=1e-12)


DESIGN = """
import mmap, numpy
from livekit_utils.conversion.polyphase_design import design
size = lambda: int(open("/proc/self/statm").read().split()[0]) * mmap.PAGESIZE / 2**20
before = size()
design(3, 1, "quick")
print(size() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the size is read from /proc")
def test_a_first_filter_takes_little_memory(run_python: Callable[..., Any]) -> None:
    """BLAS, which numpy takes for linear equations and products of matrices, has 32 MB of its own."""
    result = run_python("-c", DESIGN)
    assert result.returncode == 0, result.stderr
    assert float(result.stdout) < 16
