"""Samples in all the shapes a caller may hand them over in."""

import random
from array import array
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

# Around the tiles of the kernels, and around vectors of 8 to 64 samples.
SIZES = sorted({max(0, edge + d) for edge in (0, 8, 16, 32, 64, 256, 1024, 4096) for d in (-1, 0, 1)})

EXTREMES = (-32768, -32767, -1, 0, 1, 32766, 32767)

s16 = st.one_of(st.integers(-32768, 32767), st.sampled_from(EXTREMES))


def noise(num_samples: int, seed: int) -> bytes:
    return random.Random(seed).randbytes(2 * num_samples)


def loud(num_samples: int, seed: int) -> bytes:
    return array("h", random.Random(seed).choices(EXTREMES, k=num_samples)).tobytes()


seeded = st.sampled_from((noise, loud))
seeds = st.integers(0, 2**32 - 1)


def blocks_of(num_samples: int) -> st.SearchStrategy[bytes]:
    """Little blocks that shrink, big ones from a seed."""
    if num_samples <= 40:
        return st.lists(s16, min_size=num_samples, max_size=num_samples).map(lambda x: array("h", x).tobytes())
    return st.builds(lambda make, seed: make(num_samples, seed), seeded, seeds)


sizes = st.one_of(st.integers(0, 40), st.sampled_from(SIZES))
blocks = sizes.flatmap(blocks_of)


def at_odd_address(data: bytes) -> memoryview:
    return memoryview(b"\x55" + data)[1:]


def as_s16(data: bytes) -> memoryview:
    return memoryview(data).cast("h")


# The same samples: plain, at an odd address, writable at an odd address, as typed items.
placements: st.SearchStrategy[Callable[[bytes], Any]] = st.sampled_from(
    (bytes, at_odd_address, lambda data: memoryview(bytearray(b"\x55" + data))[1:], as_s16, bytearray)
)

WRONG_FORMATS = [
    pytest.param(memoryview(bytes(8)).cast("H"), id="uint16"),
    pytest.param(memoryview(bytes(8)).cast("i"), id="int32"),
    pytest.param(memoryview(bytes(8)).cast("f"), id="float32"),
    pytest.param(memoryview(bytes(8)).cast("d"), id="float64"),
    pytest.param(memoryview(bytes(8)).cast("?"), id="bool"),
]
NO_BUFFERS = [pytest.param(item, id=type(item).__name__) for item in (None, 1, 1.5, "text", [1, 2], object())]


def assert_not_borrowed(*arrays: bytearray) -> None:
    """A bytearray that somebody still looks into refuses to grow."""
    for item in arrays:
        item.extend(bytes(4096))
        del item[-4096:]


class RefusesWrongData:
    """Inherited by the tests of a kernel that takes int16 samples; `call` hands it a single block."""

    call: Callable[[Any], Any]

    @pytest.mark.parametrize("data", WRONG_FORMATS)
    def test_wrong_format(self, data: memoryview) -> None:
        with pytest.raises(TypeError, match=f"int16.*{data.format!r}".replace("?", r"\?")):
            self.call(data)

    @pytest.mark.parametrize("data", NO_BUFFERS)
    def test_no_buffer(self, data: Any) -> None:
        with pytest.raises(TypeError, match=type(data).__name__):
            self.call(data)

    @pytest.mark.parametrize("num_bytes", [1, 3, 1025])
    def test_odd_number_of_bytes(self, num_bytes: int) -> None:
        data = bytearray(num_bytes)
        with pytest.raises(ValueError, match=f"whole int16 samples, got {num_bytes} bytes"):
            self.call(data)
        assert_not_borrowed(data)

    def test_strided(self) -> None:
        data = bytearray(64)
        with pytest.raises(ValueError, match="contiguous"):
            self.call(memoryview(data)[::2])
        with pytest.raises(ValueError, match="contiguous"):
            self.call(memoryview(data).cast("h")[::-1])
        assert_not_borrowed(data)

    def test_wrong_format_is_given_back(self) -> None:
        data = bytearray(64)
        with pytest.raises(TypeError):
            self.call(memoryview(data).cast("I"))
        assert_not_borrowed(data)
