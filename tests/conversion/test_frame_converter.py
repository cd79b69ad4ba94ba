"""FrameConverter: which channels of a frame are taken, and what becomes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import AudioFrame
from livekit_utils.conversion.frame_converter import FrameConverter
from tests.support.streams import frame


def samples(frames: list[AudioFrame]) -> Any:
    return np.concatenate([np.asarray(one) for one in frames])


@given(
    seed=st.integers(0, 2**32 - 1),
    given_channels=st.integers(1, 8),
    wanted=st.integers(1, 3),
    picks=st.lists(st.integers(0, 7), min_size=1, max_size=4),
    rate=st.sampled_from([48000, 16000]),
)
def test_a_pick_is_as_a_stream_that_has_these_channels_only(
    seed: int, given_channels: int, wanted: int, picks: list[int], rate: int
) -> None:
    rng = np.random.default_rng(seed)
    blocks = [rng.integers(-32768, 32768, (n, given_channels), dtype=np.int16) for n in rng.integers(0, 500, 5)]
    picking, plain = FrameConverter(48000, wanted, picks), FrameConverter(48000, wanted)
    got, expected = [], []
    for block in blocks:
        if not len(block):
            assert picking.push(frame(block, given_channels, rate)) == []
            continue
        if max(picks) >= given_channels:
            with pytest.raises(
                ValueError, match=f"^channels: expected numbers from 0 to {given_channels - 1}, got \\{picks}"
            ):
                picking.push(frame(block, given_channels, rate))
            continue
        if len(picks) > 1 and wanted not in (1, len(picks)):
            with pytest.raises(ValueError, match=f"expected frames of 1 or {wanted} channels, got {len(picks)}"):
                picking.push(frame(block, given_channels, rate))
            continue
        got += picking.push(frame(block, given_channels, rate))
        expected += plain.push(frame(block[:, picks], len(picks), rate))
    got += picking.flush()
    expected += plain.flush()
    assert [one.num_channels for one in got] == [one.num_channels for one in expected]
    if expected:
        assert np.array_equal(samples(got), samples(expected))


def test_the_format_may_change_between_frames() -> None:
    converter = FrameConverter(48000, 1, [1])
    stereo, six = np.arange(20).reshape(10, 2), np.arange(60).reshape(10, 6)
    assert np.array_equal(samples(converter.push(frame(stereo, 2))), stereo[:, 1:2])
    assert np.array_equal(samples(converter.push(frame(six, 6))), six[:, 1:2])
    with pytest.raises(ValueError, match=r"channels: expected numbers from 0 to 0, got \[1\]"):
        converter.push(frame(np.arange(10)))
    assert np.array_equal(samples(converter.push(frame(stereo, 2))), stereo[:, 1:2])


def test_what_is_picked_is_a_copy() -> None:
    stereo = np.arange(20, dtype=np.int16).reshape(10, 2)
    [picked] = FrameConverter(48000, 2, [0, 1]).push(AudioFrame(stereo, 48000, 2, 10))
    stereo[:] = 0
    assert np.array_equal(np.asarray(picked), np.arange(20).reshape(10, 2))


def test_without_a_pick_a_frame_of_the_format_passes_as_it_is() -> None:
    one = frame(np.arange(20), 2)
    assert FrameConverter(48000, 2).push(one)[0] is one
