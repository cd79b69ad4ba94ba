"""LoudnessMeter: the cases of EBU Tech 3341 and 3342 by formula, at many rates; frames of all kinds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy import signal

from livekit_utils import AudioFrame, LoudnessMeter
from tests.support.loudness import RATES, Floats, Reference, burst, decibels, frame_of, tapered, to_s16, tones

# LU, of Tech 3341 and 3342; dB.
LOUDNESS = 0.1
RANGE = 0.1
PEAK = (-0.4, 0.2)

pytestmark = pytest.mark.filterwarnings("error")


def measured(samples: Floats, sample_rate: int) -> LoudnessMeter:
    meter = LoudnessMeter(sample_rate, samples.shape[1])
    meter.push(frame_of(samples, sample_rate))
    return meter


def followed(samples: Floats, sample_rate: int) -> tuple[Floats, Floats]:
    """Momentary and short-term loudness after each 10 ms."""
    meter = LoudnessMeter(sample_rate, samples.shape[1])
    momentary, short_term = [], []
    for start in range(0, len(samples), sample_rate // 100):
        meter.push(frame_of(samples[start : start + sample_rate // 100], sample_rate))
        momentary.append(meter.momentary_lufs)
        short_term.append(meter.short_term_lufs)
    return np.array(momentary), np.array(short_term)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("level", [-23, -33])
def test_cases_1_and_2(rate: int, level: float) -> None:
    meter = measured(tones(rate, (20, level)), rate)
    for got in (meter.momentary_lufs, meter.short_term_lufs, meter.integrated_lufs):
        assert got == pytest.approx(level, abs=LOUDNESS)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    "parts",
    [
        [(10, -36), (60, -23), (10, -36)],
        [(10, -72), (10, -36), (60, -23), (10, -36), (10, -72)],
        [(20, -26), (20.1, -20), (20, -26)],
    ],
)
def test_cases_3_to_5(rate: int, parts: list[tuple[float, float]]) -> None:
    assert measured(tones(rate, *parts), rate).integrated_lufs == pytest.approx(-23, abs=LOUDNESS)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("lfe", [False, True])
def test_case_6(rate: int, lfe: bool) -> None:
    levels = [-28, -28, -24, -30, -30]
    samples = tones(rate, (20, 0), num_channels=5) * [decibels(level) for level in levels]
    if lfe:
        samples = np.insert(samples, 3, samples[:, 2], axis=1)
    assert measured(samples, rate).integrated_lufs == pytest.approx(-23, abs=LOUDNESS)


@pytest.mark.parametrize("rate", RATES)
def test_cases_9_and_12(rate: int) -> None:
    _, short_term = followed(tones(rate, *[(1.34, -20), (1.66, -30)] * 5), rate)
    assert np.abs(short_term[299:] + 23).max() <= LOUDNESS
    momentary, _ = followed(tones(rate, *[(0.18, -20), (0.22, -30)] * 25), rate)
    assert np.abs(momentary[99:] + 23).max() <= LOUDNESS


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_cases_10_and_13(rate: int) -> None:
    silence = -math.inf
    for i in range(20):
        _, short_term = followed(tones(rate, (i * 0.15, silence), (3, -23), (1, silence)), rate)
        assert short_term.max() == pytest.approx(-23, abs=LOUDNESS)
        momentary, _ = followed(tones(rate, (i * 0.02, silence), (0.4, -23), (1, silence)), rate)
        assert momentary.max() == pytest.approx(-23, abs=LOUDNESS)


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_cases_11_and_14(rate: int) -> None:
    silence, live, brief = -math.inf, [], []
    for i in range(20):
        live += [(i * 0.15, silence), (3, i - 38.0), (3 - i * 0.15, silence)]
        brief += [(i * 0.02, silence), (0.4, i - 38.0), (0.4 - i * 0.02, silence)]
    _, short_term = followed(tones(rate, *live), rate)
    momentary, _ = followed(tones(rate, *brief), rate)
    expected = np.arange(20) - 38
    assert np.abs(short_term.reshape(20, 600).max(axis=1) - expected).max() <= LOUDNESS
    assert np.abs(momentary.reshape(20, 80).max(axis=1) - expected).max() <= LOUDNESS


def peak_is(samples: Floats, rate: int, expected: float) -> None:
    assert np.abs(samples).max() < 1  # also in case 19, which is above full scale between its samples only
    assert PEAK[0] <= measured(samples, rate).true_peak_dbtp - expected <= PEAK[1]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("divisor", "amplitude", "degrees", "expected"),
    [(4, 0.5, 0, -6), (4, 0.5, 45, -6), (6, 0.5, 60, -6), (8, 0.5, 67.5, -6), (4, 1.41, 45, 3)],
)
def test_cases_15_to_19(rate: int, divisor: int, amplitude: float, degrees: float, expected: float) -> None:
    peak_is(tapered(rate, divisor, amplitude, degrees), rate, expected)


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate < 96_000])
@pytest.mark.parametrize("offset", range(4))
def test_cases_20_to_23(rate: int, offset: int) -> None:
    peak_is(burst(offset), rate, 0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize(
    ("levels", "expected"),
    [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)],
)
def test_loudness_range_cases_1_to_4(rate: int, levels: tuple[float, ...], expected: float) -> None:
    meter = measured(tones(rate, *((20, level) for level in levels)), rate)
    assert meter.loudness_range_lu == pytest.approx(expected, abs=RANGE)


@pytest.mark.parametrize("rate", RATES)
def test_a_sine_of_997_hz_calibrates(rate: int) -> None:
    meter = measured(tones(rate, (5, 0), num_channels=1, hz=997), rate)
    assert meter.integrated_lufs == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("num_channels", [1, 2, 6])
def test_frames_of_any_length(num_channels: int, rand: Any) -> None:
    rng = np.random.default_rng(rand.randrange(2**32))
    samples = rng.uniform(-1, 1, (60_000, num_channels)) * np.repeat(rng.uniform(0.001, 1, 60), 1000)[:, None]
    whole, pieces = LoudnessMeter(16_000, num_channels), LoudnessMeter(16_000, num_channels)
    whole.push(frame_of(samples, 16_000))
    start = 0
    while start < len(samples):
        end = start + rand.choice([1, 7, 160, 161, 4999])
        pieces.push(frame_of(samples[start:end], 16_000))
        start = end
    expected = Reference(to_s16(samples) / 32768, 16_000)
    for meter in (whole, pieces):
        assert meter.momentary_lufs == pytest.approx(expected.momentary, abs=1e-6)
        assert meter.short_term_lufs == pytest.approx(expected.short_term, abs=1e-6)
        assert expected.integrates_to(meter.integrated_lufs)
    assert whole.true_peak_dbtp == pieces.true_peak_dbtp
    assert whole.loudness_range_lu == pieces.loudness_range_lu
    pieces.reset()
    assert (pieces.integrated_lufs, pieces.true_peak_dbtp) == (-math.inf, -math.inf)


def test_frames_of_another_format_are_refused() -> None:
    meter = LoudnessMeter(48_000, 2)
    with pytest.raises(ValueError, match="frame: expected a sample rate of 48000 Hz, got 44100"):
        meter.push(AudioFrame(b"\x00\x40" * 2, 44_100, 2, 1))
    with pytest.raises(ValueError, match="frame: expected 2 channels, got 1"):
        meter.push(AudioFrame(b"\x00\x40" * 2, 48_000, 1, 2))
    for wrong in (None, b"\x00\x40" * 2, "frame"):
        with pytest.raises(TypeError):
            meter.push(wrong)  # type: ignore[arg-type]
    assert meter.true_peak_dbtp == -math.inf
    meter.push(AudioFrame(b"", 48_000, 2, 0))
    meter.push(AudioFrame(b"\x00\x40" * 2, 48_000, 2, 1))
    assert meter.true_peak_dbtp == pytest.approx(-6.02, abs=0.01)
    assert (meter.integrated_lufs, meter.momentary_lufs) == (-math.inf, -math.inf)
    assert repr(meter) == "LoudnessMeter(sample_rate=48000, num_channels=2)"
    assert (meter.sample_rate, meter.num_channels) == (48_000, 2)


@pytest.mark.parametrize("rate", [8000, 16_000, 32_000, 44_100, 96_000])
def test_the_same_sound_at_another_rate_is_as_loud(rate: int, rand: Any) -> None:
    """Noise with the spectrum of speech, up to 3.4 kHz, made at 48 kHz."""
    rng = np.random.default_rng(rand.randrange(2**32))
    low_pass = signal.butter(2, 500, fs=48_000, output="sos")
    line = signal.butter(10, [200, 3400], "bandpass", fs=48_000, output="sos")
    sound = signal.sosfilt(line, signal.sosfilt(low_pass, rng.normal(size=48_000 * 10)))[:, None]
    sound /= 2 * np.abs(sound).max()
    divisor = math.gcd(rate, 48_000)
    converted = signal.resample_poly(sound, rate // divisor, 48_000 // divisor)
    expected, got = measured(sound, 48_000), measured(converted, rate)
    assert got.integrated_lufs == pytest.approx(expected.integrated_lufs, abs=0.05)
    assert got.true_peak_dbtp == pytest.approx(expected.true_peak_dbtp, abs=0.3)
