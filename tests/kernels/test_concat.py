from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.concat import concat_s16
from tests.support import reference
from tests.support.buffers import RefusesWrongData, as_s16, assert_not_borrowed, at_odd_address, blocks, placements


class TestRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return concat_s16([bytes(4), data, bytes(4)])


@given(st.lists(st.tuples(blocks, placements), max_size=12))
def test_equals_reference(parts: list[tuple[bytes, Any]]) -> None:
    result = concat_s16([place(data) for data, place in parts])
    assert type(result) is bytearray
    assert reference.ints(result) == reference.concat(reference.ints(data) for data, _ in parts)


def test_long_blocks_run_without_the_gil(rand: Any) -> None:
    parts = [rand.pcm(n) for n in (32767, 1, 32768, 0, 100_001)]
    assert concat_s16(map(at_odd_address, parts)) == b"".join(parts)
    assert concat_s16(parts[:1]) == parts[0]


def test_many_blocks(rand: Any) -> None:
    data = rand.pcm(70_000)
    assert concat_s16(data[i : i + 2] for i in range(0, len(data), 2)) == data


def test_nothing() -> None:
    assert concat_s16([]) == b""
    assert concat_s16(iter(())) == b""
    assert concat_s16([b"", bytearray(), as_s16(b"")]) == b""


def test_result_is_a_copy() -> None:
    data = bytearray(b"\x01\x00")
    result = concat_s16([data])
    result[0] = 9
    assert data == b"\x01\x00"
    assert_not_borrowed(data, result)


def test_same_block_twice() -> None:
    data = bytearray(b"\x01\x02\x03\x04")
    assert concat_s16([data, data]) == data + data
    assert_not_borrowed(data)


def test_an_error_gives_back_the_blocks_before_and_after() -> None:
    first, last = bytearray(16), bytearray(16)
    with pytest.raises(TypeError):
        concat_s16([first, None, last])
    assert_not_borrowed(first, last)


def test_an_iterator_that_raises_passes_through() -> None:
    first = bytearray(16)

    def broken() -> Any:
        yield first
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        concat_s16(broken())
    assert_not_borrowed(first)


def test_accepts_any_contiguous_int16() -> None:
    samples = np.arange(12, dtype=np.int16)
    assert concat_s16([samples.reshape(3, 4), samples.reshape(3, 2, 2)]) == samples.tobytes() * 2
    with pytest.raises(ValueError, match="contiguous"):
        concat_s16([samples.reshape(3, 4).T])
    with pytest.raises(TypeError, match="'>h'"):
        concat_s16([samples.astype(">i2")])
