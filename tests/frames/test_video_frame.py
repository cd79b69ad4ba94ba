"""VideoFrame and VideoBufferType."""

from __future__ import annotations

import copy
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


V = VideoBufferType
FITTING: list[tuple[VideoBufferType, tuple[int, ...], Any]] = [
    (V.RGBA, (4, 6, 4), np.uint8),
    (V.RGBA, (4, 24), np.uint8),
    (V.RGBA, (1, 96), np.uint8),
    (V.RGBA, (200,), np.uint8),
    (V.RGBA, (96,), np.int8),
    (V.RGB24, (4, 6, 3), np.uint8),
    (V.I420, (6, 6), np.uint8),
    (V.I420, (1, 36), np.uint8),
    (V.NV12, (6, 6), np.uint8),
    (V.I420A, (10, 6), np.uint8),
    (V.I444, (3, 4, 6), np.uint8),
    (V.I444, (12, 6), np.uint8),
    (V.I010, (6, 6), np.uint16),
    (V.I010, (36,), np.uint16),
    (V.I010, (72,), np.uint8),
]


@pytest.mark.parametrize(("kind", "shape", "dtype"), FITTING)
def test_arrays_that_fit(kind: VideoBufferType, shape: tuple[int, ...], dtype: Any) -> None:
    picture = np.arange(np.prod(shape)).astype(dtype).reshape(shape)
    frame = VideoFrame(6, 4, kind, picture)
    assert bytes(frame.data) == picture.tobytes()[: frame.data.nbytes]
    assert np.shares_memory(np.frombuffer(frame.data, np.uint8), picture)


OTHER_SHAPES: list[tuple[VideoBufferType, tuple[int, ...]]] = [
    (V.RGBA, (8, 12, 4)),  # a larger picture
    (V.RGBA, (6, 4, 4)),  # width for height
    (V.RGBA, (5, 6, 4)),
    (V.RGB24, (4, 6, 4)),  # RGBA
    (V.RGBA, (4, 8, 4)),  # padded
    (V.RGBA, (4, 32)),
    (V.RGBA, (4, 6, 4, 1)),
    (V.I420, (6, 8)),
    (V.I420, (9, 6)),
    (V.I420, (4, 9)),
    (V.I444, (6, 4, 6)),
    (V.NV12, (12, 3)),
]


@pytest.mark.parametrize(("kind", "shape"), OTHER_SHAPES)
def test_arrays_of_another_shape(kind: VideoBufferType, shape: tuple[int, ...]) -> None:
    picture = np.zeros(shape, np.uint8)
    with pytest.raises(ValueError, match=r"data: expected an array in the shape of 6 x 4 .*stride="):
        VideoFrame(6, 4, kind, picture)
    if picture.nbytes >= 96:
        VideoFrame(6, 4, kind, picture.reshape(-1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.int64, np.uint32, np.int16, ">u2"])
@pytest.mark.parametrize("kind", [V.RGBA, V.I420, V.I010])
def test_items_of_another_type(kind: VideoBufferType, dtype: Any) -> None:
    if (kind, dtype) == (V.I010, np.int16):
        return
    with pytest.raises(TypeError, match="data: expected bytes"):
        VideoFrame(6, 4, kind, np.zeros(100, dtype))


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("size", [(8, 4), (5, 3), (1, 1)])
def test_padded_rows(name: str, size: tuple[int, int]) -> None:
    kind, rand = VideoBufferType[name], np.random.default_rng(3)
    tight, padded, strides = b"", b"", []
    for row, num_bytes in zip(kind.plane_strides(size[0]), kind.plane_sizes(*size), strict=True):
        strides.append(row + 5)
        for _ in range(num_bytes // row):
            line = rand.bytes(row)
            tight += line
            padded += line + b"pad.."
    stride: Any = strides[0] if len(strides) == 1 else tuple(strides)
    for data in (padded, padded[:-5], bytearray(padded)):
        assert bytes(VideoFrame(*size, kind, data, stride=stride).data) == tight
    with pytest.raises(ValueError, match="data: expected at least"):
        VideoFrame(*size, kind, padded[:-6], stride=stride)
    for wrong in (strides[0] - 6, [*strides, 1], []):
        with pytest.raises(ValueError, match="stride"):
            VideoFrame(*size, kind, padded, stride=wrong)
    own = VideoFrame(*size, kind, tight, stride=kind.plane_strides(size[0]))
    assert bytes(own.data) == tight


def test_a_padded_array() -> None:
    canvas = np.random.default_rng(5).integers(0, 256, (4, 8, 4), np.uint8)
    frame = VideoFrame(6, 4, V.RGBA, canvas, stride=32)
    assert bytes(frame.data) == np.ascontiguousarray(canvas[:, :6]).tobytes()
    with pytest.raises(TypeError, match="stride"):
        VideoFrame(6, 4, V.RGBA, canvas, stride=32.0)  # type: ignore[arg-type]


class Tagged(VideoFrame):
    def __init__(self, tag: str) -> None:
        super().__init__(1, 1, V.RGBA, bytes(4))
        self.tag = tag


def test_a_subclass_stays_one() -> None:
    for twin in (pickle.loads(pickle.dumps(Tagged("x"))), copy.copy(Tagged("x"))):
        assert type(twin) is Tagged
        assert (twin.tag, twin.width, bytes(twin.data)) == ("x", 1, bytes(4))


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
