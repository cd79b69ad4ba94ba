import importlib.util
import warnings
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.g711 import alaw_to_s16, s16_to_alaw, s16_to_ulaw, ulaw_to_s16
from tests.support import g711_reference as reference
from tests.support.buffers import NO_BUFFERS, SIZES, RefusesWrongData, assert_not_borrowed, at_odd_address

ALL_CODES = bytes(range(256))
ALL_SAMPLES = array("h", range(-32768, 32768)).tobytes()

LAWS = pytest.mark.parametrize(
    ("decode", "encode", "decode_plain", "encode_plain"),
    [
        pytest.param(ulaw_to_s16, s16_to_ulaw, reference.decode_ulaw, reference.encode_ulaw, id="ulaw"),
        pytest.param(alaw_to_s16, s16_to_alaw, reference.decode_alaw, reference.encode_alaw, id="alaw"),
    ],
)
Plain = Callable[[int], int]


def samples_of(data: bytearray) -> list[int]:
    return array("h", bytes(data)).tolist()


class TestUlawRefusals(RefusesWrongData):
    call = staticmethod(s16_to_ulaw)


class TestAlawRefusals(RefusesWrongData):
    call = staticmethod(s16_to_alaw)


@LAWS
def test_every_code_and_every_sample(decode: Any, encode: Any, decode_plain: Plain, encode_plain: Plain) -> None:
    assert samples_of(decode(ALL_CODES)) == [decode_plain(code) for code in range(256)]
    assert encode(ALL_SAMPLES) == bytes(encode_plain(sample) for sample in range(-32768, 32768))


def test_as_audioop_had_it() -> None:
    if importlib.util.find_spec("audioop") is None:
        pytest.skip("this Python has no audioop")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import audioop  # type: ignore[import-not-found,unused-ignore]
    assert ulaw_to_s16(ALL_CODES) == audioop.ulaw2lin(ALL_CODES, 2)
    assert alaw_to_s16(ALL_CODES) == audioop.alaw2lin(ALL_CODES, 2)
    assert s16_to_ulaw(ALL_SAMPLES) == audioop.lin2ulaw(ALL_SAMPLES, 2)
    assert s16_to_alaw(ALL_SAMPLES) == audioop.lin2alaw(ALL_SAMPLES, 2)


def test_values_of_the_standard() -> None:
    """The virtual decision values and outputs at the ends of the scale, and the codes of zero."""
    assert samples_of(ulaw_to_s16(b"\x00\x80\x7f\xff\xfe\xf0")) == [-32124, 32124, 0, 0, 8, 120]
    assert samples_of(alaw_to_s16(b"\x2a\xaa\x55\xd5\xd4")) == [-32256, 32256, -8, 8, 24]
    assert s16_to_ulaw(array("h", (0, 32767, -32768, 3, -1))) == b"\xff\x80\x00\xff\x7e"
    assert s16_to_alaw(array("h", (0, 32767, -32768, 7, -1))) == b"\xd5\xaa\x2a\xd5\x55"


def test_every_code_comes_back_but_the_negative_zero() -> None:
    assert s16_to_alaw(alaw_to_s16(ALL_CODES)) == ALL_CODES
    assert s16_to_ulaw(ulaw_to_s16(ALL_CODES)) == ALL_CODES.replace(b"\x7f", b"\xff")


@LAWS
@given(n=st.one_of(st.integers(0, 70), st.sampled_from(SIZES)), seed=st.randoms(use_true_random=False))
def test_any_length_at_any_address(
    decode: Any, encode: Any, decode_plain: Plain, encode_plain: Plain, n: int, seed: Any
) -> None:
    codes, samples = seed.randbytes(n), seed.randbytes(2 * n)
    assert decode(at_odd_address(codes)) == decode(codes)
    assert samples_of(decode(codes)) == [decode_plain(code) for code in codes]
    assert encode(at_odd_address(samples)) == bytes(map(encode_plain, array("h", samples)))


@pytest.mark.parametrize("decode", [ulaw_to_s16, alaw_to_s16])
@pytest.mark.parametrize("data", NO_BUFFERS)
def test_no_codes(decode: Any, data: Any) -> None:
    with pytest.raises(TypeError, match=f"data: expected bytes, got {type(data).__name__}"):
        decode(data)


@pytest.mark.parametrize("decode", [ulaw_to_s16, alaw_to_s16])
def test_codes_that_are_no_row_of_bytes(decode: Any) -> None:
    data = bytearray(64)
    with pytest.raises(ValueError, match="contiguous"):
        decode(memoryview(data)[::2])
    with pytest.raises(TypeError, match="expected bytes, got a buffer of format 'h'"):
        decode(memoryview(data).cast("h"))
    assert_not_borrowed(data)
