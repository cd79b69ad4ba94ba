import math
import struct
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32
from tests.support import reference
from tests.support.buffers import (
    NO_BUFFERS,
    SIZES,
    RefusesWrongData,
    assert_not_borrowed,
    at_odd_address,
    blocks,
    placements,
)

HALF = 1 / 65536

# Ties, their neighbours, both ends of the range, what is no number, and the smallest there is.
values = st.one_of(
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.floats(-1.5, 1.5, width=32),
    st.integers(-70000, 70000).map(lambda k: k * HALF),
    st.integers(-70000, 70000).map(lambda k: float(np.nextafter(np.float32(k * HALF), np.float32(9)))),
    st.sampled_from((math.nan, math.inf, -math.inf, 1.0, -1.0, -0.0, 1e-45, 3.4028234663852886e38)),
)


def to_f32(data: Any, num_samples: int) -> Any:
    out = array("f", bytes(4 * num_samples))
    assert s16_to_f32(data, out) == num_samples
    return out


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return s16_to_f32(data, array("f", bytes(8192)))


@given(blocks, placements)
def test_s16_to_f32_equals_reference(block: bytes, place: Any) -> None:
    result = to_f32(place(block), len(block) // 2)
    assert result.tolist() == reference.s16_to_f32(reference.ints(block))


@given(
    st.one_of(
        st.lists(values, max_size=40),
        st.sampled_from(SIZES).flatmap(
            lambda n: st.lists(values, min_size=1, max_size=30).map(lambda x: (x * (n // len(x) + 1))[:n])
        ),
    )
)
def test_f32_to_s16_equals_reference(floats: list[float]) -> None:
    data = array("f", floats)
    result = f32_to_s16(data)
    assert type(result) is bytearray
    assert reference.ints(result) == reference.f32_to_s16(data)


def test_every_int16_comes_back() -> None:
    samples = array("h", range(-32768, 32768))
    floats = to_f32(samples, 65536)
    assert floats[0] == -1.0
    assert floats[-1] == 32767 / 32768
    assert f32_to_s16(floats) == samples.tobytes()


@pytest.mark.parametrize(
    ("value", "sample"),
    [
        (0.5 / 32768, 0),
        (1.5 / 32768, 2),
        (2.5 / 32768, 2),
        (-0.5 / 32768, 0),
        (-1.5 / 32768, -2),
        (-2.5 / 32768, -2),
        (32766.5 / 32768, 32766),
        (32767.5 / 32768, 32767),
        (1.0, 32767),
        (-1.0, -32768),
        (-32768.5 / 32768, -32768),
        (math.inf, 32767),
        (-math.inf, -32768),
        (3e38, 32767),
        (-3e38, -32768),
        (math.nan, 0),
        (1e-45, 0),
        (-0.0, 0),
    ],
)
@pytest.mark.parametrize("count", [1, 17, 40])
def test_rounding_and_saturation(value: float, sample: int, count: int) -> None:
    assert reference.ints(f32_to_s16(array("f", [value] * count))) == [sample] * count


def test_every_kind_of_nan() -> None:
    bits = [sign | 0x7F800000 | payload for sign in (0, 1 << 31) for payload in (1, 0x3FFFFF, 0x400000, 0x7FFFFF)]
    for count in (1, 4, 5):
        data = memoryview(struct.pack(f"={len(bits)}I", *bits) * count).cast("f")
        assert f32_to_s16(data) == bytes(2 * len(bits) * count)


@pytest.mark.parametrize("num_samples", [0, 1, 31, 4097, 40_001])
def test_odd_addresses_on_both_sides(rand: Any, num_samples: int) -> None:
    block = rand.pcm(num_samples)
    target = bytearray(4 * num_samples + 1)
    floats = np.frombuffer(target, "f4", num_samples, 1)
    assert s16_to_f32(at_odd_address(block), floats) == num_samples
    assert floats.tolist() == reference.s16_to_f32(reference.ints(block))
    assert f32_to_s16(floats) == block
    del floats
    assert_not_borrowed(target)


def test_writes_no_further_than_it_says(rand: Any) -> None:
    for num_samples in (0, 1, 7, 8, 9, 63, 257):
        out = array("f", [7.0] * (num_samples + 20))
        assert s16_to_f32(rand.pcm(num_samples), out) == num_samples
        assert out[num_samples:].tolist() == [7.0] * 20


def test_too_little_room() -> None:
    block, out = bytearray(20), bytearray(36)
    with pytest.raises(ValueError, match="room for 10 samples, got 9"):
        s16_to_f32(block, memoryview(out).cast("f"))
    assert_not_borrowed(block, out)


@pytest.mark.parametrize("code", ["B", "h", "i", "d"])
def test_out_of_another_format(code: str) -> None:
    block, out = bytearray(8), bytearray(64)
    with pytest.raises(TypeError, match=f"float32 samples, got a buffer of format '{code}'"):
        s16_to_f32(block, memoryview(out).cast(code))
    assert_not_borrowed(block, out)


def test_out_read_only() -> None:
    block = bytearray(8)
    with pytest.raises(BufferError):
        s16_to_f32(block, memoryview(bytes(64)).cast("f"))
    assert_not_borrowed(block)


@pytest.mark.parametrize("data", NO_BUFFERS)
def test_no_float_buffer(data: Any) -> None:
    with pytest.raises(TypeError):
        f32_to_s16(data)
    with pytest.raises(TypeError):
        s16_to_f32(b"", data)


@pytest.mark.parametrize("code", ["B", "h", "I", "d"])
def test_floats_of_another_format(code: str) -> None:
    data = bytearray(64)
    with pytest.raises(TypeError, match=f"float32 samples, got a buffer of format '{code}'"):
        f32_to_s16(memoryview(data).cast(code))
    assert_not_borrowed(data)


@pytest.mark.parametrize("make", [lambda data: memoryview(data).cast("f"), lambda data: np.frombuffer(data, "f4")])
def test_strided_floats(make: Any) -> None:
    data = bytearray(64)
    floats = make(data)
    with pytest.raises(ValueError, match="contiguous"):
        f32_to_s16(floats[::2])
    with pytest.raises(ValueError, match="contiguous"):
        s16_to_f32(bytes(4), floats[::2])
    del floats
    assert_not_borrowed(data)


def test_accepts_numpy() -> None:
    samples = np.arange(-6, 6, dtype=np.int16)
    out = np.zeros((4, 3), np.float32)
    assert s16_to_f32(samples.reshape(2, 6), out) == 12
    assert (out.ravel() * 32768 == samples).all()
    assert f32_to_s16(out) == samples.tobytes()
    with pytest.raises(TypeError, match="'>f'"):
        f32_to_s16(out.astype(">f4"))
