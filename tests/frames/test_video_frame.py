"""VideoFrame and VideoBufferType."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import VideoBufferType, VideoFrame

# What a format needs for one picture of an even and one of an odd size, counted by hand.
SIZES = {
    "RGBA": (4 * 32, 4 * 15),
    "ABGR": (4 * 32, 4 * 15),
    "ARGB": (4 * 32, 4 * 15),
    "BGRA": (4 * 32, 4 * 15),
    "RGB24": (3 * 32, 3 * 15),
    "I420": (32 + 2 * 8, 15 + 2 * 6),
    "I420A": (64 + 2 * 8, 30 + 2 * 6),
    "I422": (32 + 2 * 16, 15 + 2 * 9),
    "I444": (3 * 32, 3 * 15),
    "I010": (64 + 4 * 8, 30 + 4 * 6),
    "NV12": (32 + 2 * 8, 15 + 2 * 6),
}


def test_names_and_numbers() -> None:
    assert [t.name for t in VideoBufferType] == list(SIZES)
    assert [t.value for t in VideoBufferType] == list(range(11))


@pytest.mark.parametrize("name", SIZES)
def test_sizes(name: str) -> None:
    kind = VideoBufferType[name]
    for (width, height), needed in zip([(8, 4), (5, 3)], SIZES[name], strict=True):
        frame = VideoFrame(width, height, kind, bytes(needed))
        assert frame.data.nbytes == needed
        with pytest.raises(
            ValueError, match=f"at least {needed} bytes for {width} x {height} {name}, got {needed - 1}"
        ):
            VideoFrame(width, height, kind, bytes(needed - 1))


@given(st.sampled_from(list(VideoBufferType)), st.integers(1, 70), st.integers(1, 70), st.integers(0, 9))
def test_planes_cover_the_data(kind: VideoBufferType, width: int, height: int, extra: int) -> None:
    needed = sum(kind.plane_sizes(width, height))
    data = np.random.default_rng(1).bytes(needed + extra)
    frame = VideoFrame(width, height, kind, data)
    planes = []
    while (plane := frame.get_plane(len(planes))) is not None:
        planes.append(bytes(plane))
    assert b"".join(planes) == data[:needed] == bytes(frame.data)
    assert frame.get_plane(-1) is None


def test_memory_is_shared() -> None:
    data = bytearray(4 * 6)
    frame = VideoFrame(3, 2, VideoBufferType.RGBA, data)
    data[5] = 7
    assert frame.data[5] == 7
    frame.data[6] = 8
    assert data[6] == 8
    assert VideoFrame(3, 2, VideoBufferType.RGBA, bytes(24)).data.readonly
    picture = np.zeros((2, 3, 4), np.uint8)
    assert VideoFrame(3, 2, VideoBufferType.RGBA, picture).data.nbytes == 24


def test_properties_and_pickling() -> None:
    frame = VideoFrame(3, 2, 4, bytes(range(18)))
    assert (frame.width, frame.height, frame.type) == (3, 2, VideoBufferType.RGB24)
    assert repr(frame) == "VideoFrame(width=3, height=2, type=RGB24)"
    again = pickle.loads(pickle.dumps(frame))
    assert (again.width, again.height, again.type, bytes(again.data)) == (3, 2, 4, bytes(range(18)))
    with pytest.raises(AttributeError):
        frame.width = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0, 1, 0, b""), ValueError),
        ((1, -1, 0, b""), ValueError),
        ((1, 1, 11, bytes(100)), ValueError),
        ((1.5, 1, 0, bytes(100)), TypeError),
        ((1, 1, 0, "text"), TypeError),
        ((1, 1, 0, None), TypeError),
        ((2, 2, 0, np.zeros((4, 8), np.uint8)[:, ::2]), ValueError),
        ((10**12, 10**12, 0, bytes(100)), ValueError),
    ],
)
def test_bad_arguments(arguments: tuple[Any, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        VideoFrame(*arguments)


@pytest.mark.parametrize("kind", [99, -1, "RGBA", None])
def test_a_type_that_does_not_exist_is_refused_with_the_choices(kind: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^type: expected one of RGBA, ABGR, .*, NV12, got "):
        VideoFrame(4, 2, kind, bytes(32))


@pytest.mark.parametrize("data", [None, 32, "text"])
def test_data_that_is_no_buffer(data: Any) -> None:
    with pytest.raises(TypeError, match=f"^data: expected a buffer of bytes, got {type(data).__name__}"):
        VideoFrame(4, 2, VideoBufferType.RGBA, data)


@pytest.mark.parametrize("number", [None, "1", 1.0])
def test_numbers_that_are_no_integers(number: Any) -> None:
    with pytest.raises(TypeError, match=r"^plane_nth: expected an int"):
        VideoFrame(4, 2, VideoBufferType.RGBA, bytes(32)).get_plane(number)
    with pytest.raises(TypeError, match=r"^height: expected an int"):
        VideoBufferType.I420.plane_sizes(4, number)
    with pytest.raises(TypeError, match=r"^width: expected an int"):
        VideoBufferType.I420.plane_strides(number)


def test_a_plane_that_does_not_exist_is_none() -> None:
    frame = VideoFrame(4, 2, VideoBufferType.RGBA, bytes(32))
    assert [frame.get_plane(number) for number in (-1, 1, 99)] == [None] * 3
