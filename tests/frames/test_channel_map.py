from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame, map_channels


def noise(rand: Any, num_channels: int, n: int = 30) -> AudioFrame:
    return AudioFrame(rand.randbytes(2 * num_channels * n), 16000, num_channels, n)


@given(num_channels=st.integers(1, 8), data=st.data(), rand=st.randoms(use_true_random=False))
def test_picked_channels(num_channels: int, data: Any, rand: Any) -> None:
    picks = data.draw(st.lists(st.integers(0, num_channels - 1), min_size=1, max_size=10))
    frame = noise(rand, num_channels)
    mapped = map_channels(frame, picks)
    assert (mapped.to_ndarray() == frame.to_ndarray()[:, picks]).all()
    assert (mapped.sample_rate, mapped.num_channels) == (16000, len(picks))
    identity = np.eye(num_channels)[picks]
    assert map_channels(frame, identity).data == mapped.data


@given(shape=st.tuples(st.integers(1, 4), st.integers(1, 6)), rand=st.randoms(use_true_random=False))
def test_a_matrix(shape: tuple[int, int], rand: Any) -> None:
    matrix = [[rand.randrange(-8, 9) / 4 for _ in range(shape[1])] for _ in range(shape[0])]
    frame = noise(rand, shape[1], 20)
    mapped = map_channels(frame, matrix)
    clipped = 0
    for row, got in zip(frame.to_ndarray().tolist(), mapped.to_ndarray().tolist(), strict=True):
        exact = [round(sum(Fraction(f) * s for f, s in zip(factors, row, strict=True))) for factors in matrix]
        assert got == [max(-32768, min(32767, value)) for value in exact]
        clipped += sum(value > 32767 or value < -32768 for value in exact)
    assert mapped.userdata.get("num_clipped", 0) == clipped


def one_channel(channel: int, num_channels: int = 6, value: int = 10000) -> AudioFrame:
    samples = np.zeros((1, num_channels), np.int16)
    samples[0, channel] = value
    return AudioFrame.from_ndarray(samples, 48000)


def test_five_point_one_to_stereo() -> None:
    """The coefficients of ITU-R BS.775, one channel at a time."""
    expected = [[10000, 0], [0, 10000], [7071, 7071], [0, 0], [7071, 0], [0, 7071]]
    assert [map_channels(one_channel(i), "stereo").data.tolist() for i in range(6)] == expected


def test_other_layouts_to_stereo() -> None:
    for num_channels in range(1, 7):
        sums = np.zeros(2)
        for channel in range(num_channels):
            sums += map_channels(one_channel(channel, num_channels), "stereo").to_ndarray()[0]
        assert sums[0] == sums[1]  # left and right are alike
    frame = AudioFrame(b"\x01\x00\x02\x00", 8000, 2, 1)
    assert map_channels(frame, "stereo").data == frame.data
    assert map_channels(AudioFrame(b"\x05\x00", 8000, 1, 1), "stereo").data.tolist() == [5, 5]


def test_mono_is_the_mean() -> None:
    frame = AudioFrame(b"\x01\x00\x02\x00\xff\x7f\xff\x7f", 8000, 2, 2, userdata={"a": 1})
    mapped = map_channels(frame, "mono")
    assert (mapped.data.tolist(), mapped.userdata) == ([2, 32767], {"a": 1})


def test_no_samples() -> None:
    empty = AudioFrame.create(8000, 6, 0)
    for how in ("mono", "stereo", [0], [[1] * 6]):
        assert map_channels(empty, how).samples_per_channel == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ([2], r"channels 0 to 1, got \[2\]"),
        ([0, -1], r"channels 0 to 1, got \[0, -1\]"),
        ([[1]], r"rows of 2 factors, got a matrix of shape \(1, 1\)"),
        ([[1, 2, 3]], "rows of 2 factors"),
        ([[1, 2], [3]], "rows of 2 factors"),
        ([[1, math.nan]], "finite factors"),
        ([[1, math.inf]], "finite factors"),
        ("surround", "channels, a matrix, 'mono' or 'stereo', got 'surround'"),
    ],
)
def test_maps_that_do_not_fit(how: Any, message: str) -> None:
    with pytest.raises(ValueError, match=f"^map: expected .*{message}"):
        map_channels(AudioFrame.create(8000, 2, 4), how)


@pytest.mark.parametrize("how", [None, 1, 1.5, [], [1.5], ["a"], [True], [[[1]]], {}, [[]], b"stereo"])
def test_no_map(how: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^map: expected .*got"):
        map_channels(AudioFrame.create(8000, 2, 4), how)


def test_too_many_channels_for_stereo() -> None:
    with pytest.raises(ValueError, match="1 to 6 channels for 'stereo', got 8"):
        map_channels(AudioFrame.create(8000, 8, 1), "stereo")
    with pytest.raises(TypeError, match="expected an AudioFrame"):
        map_channels(b"", [0])  # type: ignore[arg-type]
