import math
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.loudness import Loudness
from tests.support.buffers import NO_BUFFERS, RefusesWrongData, assert_not_borrowed, blocks_of, placements

pytest.importorskip("scipy")

from tests.support.loudness import RATES, Reference, lufs, true_peak

ODD_RATES = (8001, 11_025, 22_050, 192_000)


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return Loudness(8000, 1).push(data)


def figures(meter: Loudness) -> tuple[float, ...]:
    return meter.momentary, meter.short_term, meter.integrated, meter.range, meter.true_peak


def speech(rand: Any, sample_rate: int, seconds: float, num_channels: int) -> Any:
    """Noise whose level changes ten times a second by up to 50 dB, in float64."""
    rng = np.random.default_rng(rand.randrange(2**32))
    n = round(sample_rate * seconds)
    levels = 10 ** (rng.uniform(-3, -0.5, n * 10 // sample_rate + 2))
    levels *= np.where(np.arange(len(levels)) % 80 < 40, 1, 0.1)  # slow changes for the loudness range
    return rng.uniform(-1, 1, (n, num_channels)) * np.repeat(levels, sample_rate // 10)[:n, None]


@pytest.mark.parametrize("num_channels", [1, 2, 3, 5, 6])
@pytest.mark.parametrize("rate", [*RATES, *ODD_RATES])
def test_equals_the_reference(rate: int, num_channels: int, rand: Any) -> None:
    samples = speech(rand, rate, 20 if num_channels < 3 and rate < 50_000 else 5, num_channels).astype(np.float32)
    meter, expected = Loudness(rate, num_channels), Reference(samples.astype(float), rate)
    meter.push_f32(samples)
    assert meter.momentary == pytest.approx(expected.momentary, abs=1e-6)
    assert meter.short_term == pytest.approx(expected.short_term, abs=1e-6)
    assert expected.integrates_to(meter.integrated)
    assert expected.ranges_over(meter.range)


@pytest.mark.parametrize("rate", [*RATES, 44_101, 192_000])
def test_the_true_peak_is_that_between_the_samples(rate: int, rand: Any) -> None:
    for _ in range(5):
        spectrum = np.zeros(rate // 20 // 2 + 1, complex)
        inside = int(len(spectrum) * 0.8)
        phases = [rand.uniform(0, 2 * math.pi) for _ in range(inside)]
        spectrum[:inside] = np.exp(1j * np.array(phases))
        samples = np.fft.irfft(spectrum)[:, None]
        samples *= np.hanning(len(samples))[:, None] / np.abs(samples).max()
        meter = Loudness(rate, 1)
        meter.push_f32(np.pad(samples, ((0, 16), (0, 0))).astype(np.float32))
        factor = 4 if rate < 96_000 else 2 if rate < 192_000 else 1
        assert meter.true_peak == pytest.approx(true_peak(samples, factor), abs=0.13)


def test_floats_and_integers_are_the_same(rand: Any) -> None:
    data = rand.randbytes(2 * 3 * 20_000)
    one, other = Loudness(16_000, 3), Loudness(16_000, 3)
    one.push(data)
    other.push_f32(np.frombuffer(data, np.int16).astype(np.float32) / np.float32(32768))
    assert figures(one) == figures(other)


@given(st.data(), st.sampled_from([*RATES, *ODD_RATES]), st.integers(1, 7), placements)
def test_any_chunking_measures_the_same(data: Any, rate: int, num_channels: int, place: Any) -> None:
    num_frames = data.draw(st.sampled_from([0, 1, 2, 79, 80, 81, 3999, 7001]))
    block = data.draw(blocks_of(num_frames * num_channels))
    cuts = sorted(data.draw(st.lists(st.integers(0, num_frames), max_size=12)))
    whole, pieces = Loudness(rate, num_channels), Loudness(rate, num_channels)
    whole.push(block)
    for start, end in zip([0, *cuts], [*cuts, num_frames], strict=True):
        pieces.push(place(block[2 * start * num_channels : 2 * end * num_channels]))
    assert figures(pieces) == figures(whole)


def test_one_sample_at_a_time(rand: Any) -> None:
    data = rand.randbytes(2 * 2 * 5000)
    whole, pieces = Loudness(8000, 2), Loudness(8000, 2)
    whole.push(data)
    for start in range(0, len(data), 4):
        pieces.push(data[start : start + 4])
    assert figures(pieces) == figures(whole)
    assert math.isfinite(whole.integrated)


def test_silence_and_reset() -> None:
    meter = Loudness(48_000, 2)
    silence = (-math.inf, -math.inf, -math.inf, 0.0, -math.inf)
    assert figures(meter) == silence
    meter.push(bytes(4 * 48_000))
    assert figures(meter) == silence
    meter.push(b"\x00\x40" * 2 * 200_000)
    before = figures(meter)
    assert before[2] > -70
    meter.reset()
    assert figures(meter) == silence
    meter.push(bytes(4 * 48_000))
    meter.push(b"\x00\x40" * 2 * 200_000)
    assert figures(meter) == before


def test_the_filters_come_to_rest() -> None:
    meter = Loudness(8000, 1)
    meter.push(b"\xff\x7f" * 8000)
    meter.push(bytes(2 * 8000 * 60))
    assert meter.momentary == -math.inf


def test_what_is_not_finite() -> None:
    meter = Loudness(8000, 1)
    meter.push_f32(array("f", [math.nan] * 8000))
    assert figures(meter)[2:] == (-math.inf, 0.0, -math.inf)
    meter.push_f32(array("f", [math.inf, -math.inf] * 4000))
    assert all(map(math.isfinite, figures(meter)))
    assert meter.true_peak >= 60
    meter.push_f32(array("f", [1e-30, -1e-38] * 4000))
    assert all(map(math.isfinite, figures(meter)))


def test_a_loudness_above_all_bins_is_exact() -> None:
    meter = Loudness(48_000, 1)
    square = np.tile(np.repeat(np.float32([100, -100]), 12), 20_000)
    meter.push_f32(square)
    assert meter.integrated > 30
    assert Reference(square.astype(float)[:, None], 48_000).integrates_to(meter.integrated)


def test_a_day_of_sound_is_one_number() -> None:
    """The bins hold sums: no matter how often a block comes, the mean stays."""
    block = np.sin(2 * np.pi * 1000 * np.arange(800 * 10) / 8000).astype(np.float32) * np.float32(0.1)
    meter = Loudness(8000, 1)
    for _ in range(3600):
        meter.push_f32(block)
    assert meter.integrated == pytest.approx(lufs(0.005) + 0.691, abs=0.05)


def test_shapes_that_do_not_fit() -> None:
    for rate in (7999, 384_001, 0, -1):
        with pytest.raises(ValueError, match="sample_rate: expected 8000 to 384000"):
            Loudness(rate, 1)
    for num_channels in (0, -1, 129):
        with pytest.raises(ValueError, match="num_channels: expected 1 to 128"):
            Loudness(8000, num_channels)
    meter = Loudness(8000, 3)
    with pytest.raises(ValueError, match="expected a multiple of 3 samples"):
        meter.push(bytes(8))
    with pytest.raises(ValueError, match="expected a multiple of 3 samples"):
        meter.push_f32(array("f", [1.0] * 4))
    for wrong in (bytes(12), array("d", [1.0] * 3)):
        with pytest.raises(TypeError, match="float32"):
            meter.push_f32(wrong)
    with pytest.raises(ValueError, match="contiguous"):
        meter.push_f32(np.zeros(12, np.float32)[::2])
    assert meter.true_peak == -math.inf


@pytest.mark.parametrize("data", NO_BUFFERS)
def test_floats_that_are_no_buffer(data: Any) -> None:
    with pytest.raises(TypeError):
        Loudness(8000, 1).push_f32(data)


def test_data_is_given_back() -> None:
    data, floats = bytearray(1200), bytearray(2400)
    meter = Loudness(8000, 3)
    meter.push(data)
    meter.push_f32(memoryview(floats).cast("f"))
    with pytest.raises(ValueError, match="multiple"):
        meter.push(memoryview(data)[:8])
    assert_not_borrowed(data, floats)
