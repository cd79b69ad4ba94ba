import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.sine import sine_s16
from tests.support import reference
from tests.support.buffers import SIZES

# Half a step of rounding, and the room that 4096 samples between two fresh phases need.
TOLERANCE = 0.5001


def assert_ideal(peak: float, phase: float, step: float, num_samples: int) -> None:
    result = sine_s16(peak, phase, step, num_samples)
    assert type(result) is bytearray
    samples = reference.ints(result)
    ideal = reference.sine(peak, phase, step, num_samples)
    assert len(samples) == num_samples
    worst = max((abs(a - b) for a, b in zip(samples, ideal, strict=True)), default=0.0)
    assert worst <= TOLERANCE


@given(
    st.floats(0, 32767),
    st.floats(0, 1),
    st.floats(0, 0.5),
    st.one_of(st.integers(0, 40), st.sampled_from(SIZES)),
)
def test_within_one_step_of_the_ideal(peak: float, phase: float, step: float, num_samples: int) -> None:
    assert_ideal(peak, phase, step, num_samples)


@pytest.mark.parametrize("frequency", [20, 440, 997, 11999, 19999.5])
def test_seconds_of_full_scale(frequency: float) -> None:
    assert_ideal(32767, 0.0, frequency / 48000, 20_000)


@pytest.mark.parametrize("step", [-0.3, -440 / 48000, 1.25, 7.1])
def test_any_step_has_its_alias(step: float) -> None:
    assert_ideal(30_000, 0.1, step, 5000)
    assert_ideal(30_000, -0.7, step, 100)


def test_cut_anywhere_goes_on(rand: Any) -> None:
    step = 440 / 48000
    whole = reference.ints(sine_s16(32000, 0.0, step, 12_000))
    position = 0
    while position < len(whole):
        n = min(rand.choice((1, 7, 8, 9, 480, 4095, 4096, 4097)), len(whole) - position)
        part = reference.ints(sine_s16(32000, math.fmod(position * step, 1.0), step, n))
        assert all(abs(a - b) <= 1 for a, b in zip(part, whole[position : position + n], strict=True))
        position += n


def test_known_points() -> None:
    assert reference.ints(sine_s16(32767, 0.0, 0.25, 9)) == [0, 32767, 0, -32767, 0, 32767, 0, -32767, 0]
    assert reference.ints(sine_s16(1000, 0.25, 0.0, 9)) == [1000] * 9
    assert sine_s16(0, 0.3, 0.1, 100) == bytes(200)
    assert sine_s16(32767, 0.5, 0.01, 0) == b""


def test_same_call_same_bits() -> None:
    assert sine_s16(32767, 0.1, 0.01, 10_000) == sine_s16(32767, 0.1, 0.01, 10_000)


@pytest.mark.parametrize("peak", [-1e-9, -1.0, 32767.001, math.nan, math.inf])
def test_peak_out_of_range(peak: float) -> None:
    with pytest.raises(ValueError, match=f"peak of 0 to 32767, got {peak}"):
        sine_s16(peak, 0.0, 0.1, 10)


def test_negative_count() -> None:
    with pytest.raises(ValueError, match="got -1"):
        sine_s16(1.0, 0.0, 0.1, -1)


@pytest.mark.parametrize("num_samples", [2**62, 2**63 - 1])
def test_more_than_there_is_memory(num_samples: int) -> None:
    with pytest.raises((ValueError, MemoryError)):
        sine_s16(1.0, 0.0, 0.1, num_samples)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_such_phase(value: float) -> None:
    with pytest.raises(ValueError, match=f"{value}"):
        sine_s16(1000, value, 0.1, 10)
    with pytest.raises(ValueError, match=f"{value}"):
        sine_s16(1000, 0.0, value, 10)


@pytest.mark.parametrize("arguments", [("1", 0.0, 0.1, 1), (1, None, 0.1, 1), (1, 0.0, 0.1, 1.0)])
def test_arguments_of_another_kind(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        sine_s16(*arguments)
