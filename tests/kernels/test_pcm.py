import math
import struct
from array import array
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.convert import f32_to_s16
from livekit_utils._kernels.pcm import ENCODINGS, PCM_ENCODINGS, from_s16, to_s16
from tests.support.buffers import (
    NO_BUFFERS,
    SIZES,
    RefusesWrongData,
    assert_not_borrowed,
    at_odd_address,
    blocks,
    placements,
)

BYTES = {encoding: {"u8": 1}.get(encoding, int(encoding.strip("sufble") or 8) // 8) for encoding in PCM_ENCODINGS}
every_encoding = pytest.mark.parametrize("encoding", PCM_ENCODINGS)


def value_of(encoding: str, sample: bytes) -> float | Fraction:
    """A sample at full scale 1, by the standard library."""
    order = "big" if encoding.endswith("be") else "little"
    if encoding.startswith("f"):
        code = ("<" if order == "little" else ">") + ("f" if len(sample) == 4 else "d")
        value: float = struct.unpack(code, sample)[0]
        return value
    if encoding == "u8":
        return Fraction(sample[0] - 128, 128)
    return Fraction(int.from_bytes(sample, order, signed=True), 2 ** (8 * len(sample) - 1))  # type: ignore[arg-type]


def plain(encoding: str, data: bytes) -> tuple[list[int], int]:
    """Samples in int16, and how many were saturated, in exact arithmetic."""
    samples, clipped = [], 0
    for start in range(0, len(data), BYTES[encoding]):
        value = value_of(encoding, data[start : start + BYTES[encoding]])
        if isinstance(value, float) and not math.isfinite(value):
            samples.append(0 if math.isnan(value) else 32767 if value > 0 else -32768)
            clipped += 1
            continue
        rounded = round(Fraction(value) * 32768)
        samples.append(max(-32768, min(32767, rounded)))
        clipped += rounded != samples[-1]
    return samples, clipped


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return from_s16(data, "s24le")


def test_the_names() -> None:
    assert (*PCM_ENCODINGS, "ulaw", "alaw") == ENCODINGS
    assert list(BYTES.values()) == [2, 2, 3, 3, 4, 4, 1, 4, 4, 8]
    for encoding in PCM_ENCODINGS:
        assert len(from_s16(bytes(6), encoding)[0]) == 3 * BYTES[encoding]


@every_encoding
@given(n=st.one_of(st.integers(0, 40), st.sampled_from(SIZES[:12])), rand=st.randoms(use_true_random=False))
def test_random_bytes(encoding: str, n: int, rand: Any) -> None:
    data = rand.randbytes(n * BYTES[encoding])
    samples, clipped = to_s16(data, encoding)
    assert (array("h", bytes(samples)).tolist(), clipped) == plain(encoding, data)
    assert to_s16(at_odd_address(data), encoding) == (samples, clipped)


NUMBERS = [k / 65536 for k in (-65537, -65536, -65535, -3, -2, -1, 0, 1, 2, 3, 65533, 65534, 65535, 65536, 70000)]
NUMBERS += [math.nan, -math.nan, math.inf, -math.inf, 1e-45, 3e38, -3e38]


@pytest.mark.parametrize(("encoding", "code"), [("f32le", "<f"), ("f32be", ">f"), ("f64le", "<d")])
@given(values=st.lists(st.one_of(st.sampled_from(NUMBERS), st.floats(-1.5, 1.5, width=32)), max_size=200))
def test_floats(encoding: str, code: str, values: list[float]) -> None:
    data = b"".join(struct.pack(code, value) for value in values)
    samples, clipped = to_s16(data, encoding)
    assert (array("h", bytes(samples)).tolist(), clipped) == plain(encoding, data)
    if encoding == "f32le":
        assert f32_to_s16(array("f", values)) == samples


@pytest.mark.parametrize("encoding", ["s24le", "s24be", "s32le", "s32be"])
def test_ties_and_ends_of_integers(encoding: str) -> None:
    width = BYTES[encoding]
    unit = 1 << (8 * width - 16)
    near = [k * unit + d for k in (-32768, -2, -1, 0, 1, 2, 32766, 32767) for d in (0, 1, unit // 2, unit - 1)]
    near += [k * unit + unit // 2 - 1 for k in (-32768, -1, 0, 1, 32767)]
    order: Any = "big" if encoding.endswith("be") else "little"
    data = b"".join(value.to_bytes(width, order, signed=True) for value in near)
    samples, clipped = to_s16(data, encoding)
    assert (array("h", bytes(samples)).tolist(), clipped) == plain(encoding, data)
    assert clipped == 2


@every_encoding
@given(block=blocks, place=placements)
def test_there_and_back(encoding: str, block: bytes, place: Any) -> None:
    data, clipped = from_s16(place(block), encoding)
    samples = np.frombuffer(block, np.int16)
    if encoding != "u8":
        assert (to_s16(data, encoding), clipped) == ((block, 0), 0)
        values = [
            value_of(encoding, bytes(data[i : i + BYTES[encoding]])) for i in range(0, len(data), BYTES[encoding])
        ]
        assert [int(value * 32768) for value in values[:50]] == samples[:50].tolist()
        return
    rounded = np.rint(samples / 256) + 128
    assert clipped == np.count_nonzero(rounded > 255)
    assert np.frombuffer(data, np.uint8).tolist() == np.minimum(rounded, 255).tolist()


def test_u8_comes_back() -> None:
    every = bytes(range(256))
    assert from_s16(to_s16(every, "u8")[0], "u8") == (every, 0)


def test_one_call_or_many(rand: Any) -> None:
    for encoding in PCM_ENCODINGS:
        data = rand.randbytes(5000 * BYTES[encoding])
        whole, clipped = to_s16(data, encoding)
        cut = 1234 * BYTES[encoding]
        (a, m), (b, n) = to_s16(data[:cut], encoding), to_s16(data[cut:], encoding)
        assert (a + b, m + n) == (whole, clipped)


def test_a_long_one_without_the_gil(rand: Any) -> None:
    data = np.full(40_000, np.nan, np.float32)
    assert to_s16(data, "f32le") == (bytes(80_000), 40_000)
    assert len(from_s16(bytes(80_000), "s24be")[0]) == 120_000


@pytest.mark.parametrize("convert", [to_s16, from_s16])
@pytest.mark.parametrize("encoding", ["", "S16LE", "s16", "ulaw", "f64be"])
def test_no_such_encoding(convert: Any, encoding: str) -> None:
    with pytest.raises(ValueError, match=r"encoding: expected one of s16le, .*, got '"):
        convert(b"", encoding)


@pytest.mark.parametrize("convert", [to_s16, from_s16])
@pytest.mark.parametrize("encoding", [None, 1, b"u8"])
def test_no_name_of_an_encoding(convert: Any, encoding: Any) -> None:
    with pytest.raises(TypeError):
        convert(b"", encoding)


@pytest.mark.parametrize("data", NO_BUFFERS)
def test_no_buffer(data: Any) -> None:
    with pytest.raises(TypeError, match=f"data: expected bytes, got {type(data).__name__}"):
        to_s16(data, "s16le")


def test_bytes_that_are_no_whole_samples() -> None:
    for encoding, width in BYTES.items():
        if width > 1:
            data = bytearray(2 * width + 1)
            with pytest.raises(ValueError, match=f"whole samples of {width} bytes, got {2 * width + 1} bytes"):
                to_s16(data, encoding)
            assert_not_borrowed(data)


@pytest.mark.parametrize(
    ("code", "encoding"),
    [("h", "s16be"), ("i", "f32le"), ("f", "f32be"), ("d", "f32le"), ("H", "s16le"), ("q", "f64le")],
)
def test_items_of_another_format(code: str, encoding: str) -> None:
    data = bytearray(64)
    with pytest.raises(TypeError, match=f"data: expected bytes, got a buffer of format '{code}'"):
        to_s16(memoryview(data).cast(code), encoding)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="contiguous"):
        to_s16(memoryview(data)[::2], "u8")
    assert_not_borrowed(data)


def test_items_that_are_the_samples() -> None:
    for values, encoding in (
        (array("h", [5]), "s16le"),
        (array("i", [5 << 16]), "s32le"),
        (array("d", [5 / 32768]), "f64le"),
    ):
        assert to_s16(values, encoding) == (b"\x05\x00", 0)
