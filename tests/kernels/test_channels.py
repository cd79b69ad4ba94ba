from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils._kernels.channels import downmix_s16, upmix_s16
from tests.support import reference
from tests.support.buffers import (
    RefusesWrongData,
    assert_not_borrowed,
    at_odd_address,
    blocks,
    blocks_of,
    placements,
    sizes,
)

channel_counts = st.one_of(st.integers(1, 9), st.sampled_from((16, 31, 128)))


class TestUpmixRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return upmix_s16(data, 2)


class TestDownmixRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return downmix_s16(data, 2)


class TestOneChannelRefusals(RefusesWrongData):
    @staticmethod
    def call(data: Any) -> Any:
        return downmix_s16(upmix_s16(data, 1), 1)


@given(blocks, channel_counts, placements)
def test_upmix_equals_reference(block: bytes, num_channels: int, place: Any) -> None:
    result = upmix_s16(place(block), num_channels)
    assert type(result) is bytearray
    assert reference.ints(result) == reference.upmix(reference.ints(block), num_channels)
    assert downmix_s16(result, num_channels) == block


@given(st.data(), channel_counts, placements)
def test_downmix_equals_reference(data: Any, num_channels: int, place: Any) -> None:
    num_frames = data.draw(sizes.filter(lambda n: n * num_channels <= 10_000))
    block = data.draw(blocks_of(num_frames * num_channels))
    result = downmix_s16(place(block), num_channels)
    assert type(result) is bytearray
    assert reference.ints(result) == reference.downmix(reference.ints(block), num_channels)


@pytest.mark.parametrize(
    ("frame", "mean"),
    [
        ([1, 2], 2),  # ties go up
        ([-1, -2], -1),
        ([-1, 0], 0),
        ([32767, 32767], 32767),
        ([-32768, -32768], -32768),
        ([32767, -32768], 0),
        ([-32768, 32767, -1], -1),
        ([1, 0, 0], 0),
        ([1, 1, 0], 1),
        ([-1, 0, 0], 0),
        ([-1, -1, 0], -1),
        ([1, 1, 0, 0], 1),
        ([-1, -1, 0, 0], 0),
        ([-1, -1, -1, 0], -1),
        ([-32768] * 5, -32768),
        ([32767] * 7, 32767),
    ],
)
@pytest.mark.parametrize("num_frames", [1, 33])
def test_mean_rounds_to_nearest(frame: list[int], mean: int, num_frames: int) -> None:
    assert reference.ints(downmix_s16(reference.pcm(frame * num_frames), len(frame))) == [mean] * num_frames


@pytest.mark.parametrize("sample", [-32768, 32767, -1])
def test_most_channels(sample: int) -> None:
    data = reference.pcm([sample]) * 32768
    assert downmix_s16(data, 32768) == reference.pcm([sample])
    assert upmix_s16(reference.pcm([sample]), 32768) == data


@pytest.mark.parametrize("num_channels", [-1, 0, 32769, 2**62])
def test_channels_out_of_range(num_channels: int) -> None:
    data = bytearray(8)
    for function in (upmix_s16, downmix_s16):
        with pytest.raises(ValueError, match=f"num_channels: expected 1 to 32768, got {num_channels}"):
            function(data, num_channels)
    assert_not_borrowed(data)


@pytest.mark.parametrize(("num_samples", "num_channels"), [(1, 2), (3, 2), (4, 3), (5, 32768)])
def test_incomplete_frame(num_samples: int, num_channels: int) -> None:
    data = bytearray(2 * num_samples)
    with pytest.raises(
        ValueError, match=f"a multiple of {num_channels} samples for {num_channels} channels, got {num_samples}"
    ):
        downmix_s16(data, num_channels)
    assert_not_borrowed(data)


@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_result_is_a_copy(num_channels: int) -> None:
    data = bytearray(12)
    for function in (upmix_s16, downmix_s16):
        result = function(data, num_channels)
        result[:] = b"\x01" * len(result)
        assert data == bytes(12)
        assert_not_borrowed(data, result)


@pytest.mark.parametrize("num_channels", [1, 2, 3])
def test_long_blocks_run_without_the_gil(rand: Any, num_channels: int) -> None:
    block = rand.pcm(66_666)
    up = upmix_s16(at_odd_address(block), num_channels)
    assert reference.ints(up) == reference.upmix(reference.ints(block), num_channels)
    assert downmix_s16(up, num_channels) == block
