"""Pictures as arrays of numpy, and arrays as pictures."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livekit_utils import VideoBufferType, VideoFrame
from tests.support.randomness import Rand

V = VideoBufferType
PACKED = {V.RGBA: 4, V.ABGR: 4, V.ARGB: 4, V.BGRA: 4, V.RGB24: 3}
PLANAR = [kind for kind in V if kind not in PACKED]

# The planes of a picture of 5 x 3, counted by hand.
SHAPES = {
    V.I420: [(3, 5), (2, 3), (2, 3)],
    V.I420A: [(3, 5), (2, 3), (2, 3), (3, 5)],
    V.I422: [(3, 5), (3, 3), (3, 3)],
    V.I444: [(3, 5)] * 3,
    V.I010: [(3, 5), (2, 3), (2, 3)],
    V.NV12: [(3, 5), (2, 3, 2)],
}


def made(kind: VideoBufferType, width: int, height: int, rand: Any) -> VideoFrame:
    return VideoFrame(width, height, kind, bytearray(rand.randbytes(sum(kind.plane_sizes(width, height)))))


def address(array: Any) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


# -- out ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PACKED)
def test_a_packed_picture_is_an_array_over_its_memory(kind: VideoBufferType, rand: Rand) -> None:
    frame = made(kind, 5, 3, rand)
    array = np.asarray(frame)
    assert (array.shape, array.dtype) == ((3, 5, PACKED[kind]), np.uint8)
    assert array.tobytes() == bytes(frame.data)
    array[2, 4, 1] ^= 255
    assert frame.data[(2 * 5 + 4) * PACKED[kind] + 1] == array[2, 4, 1]
    frame.data[0] = 77
    assert array[0, 0, 0] == 77
    read_only = np.asarray(VideoFrame(5, 3, kind, bytes(frame.data)))
    assert not read_only.flags.writeable


@pytest.mark.parametrize("kind", PLANAR)
def test_a_planar_picture_has_planes(kind: VideoBufferType, rand: Rand) -> None:
    frame = made(kind, 5, 3, rand)
    planes = frame.planes()
    assert [plane.shape for plane in planes] == SHAPES[kind]
    assert {plane.dtype for plane in planes} == {np.dtype(np.uint16 if kind is V.I010 else np.uint8)}
    assert b"".join(plane.tobytes() for plane in planes) == bytes(frame.data)
    for number, plane in enumerate(planes):
        plane[-1] = 3
        assert np.frombuffer(frame.get_plane(number) or b"", plane.dtype)[-1] == 3
    message = rf"got {kind.name}, which has {len(planes)} planes: planes\(\) gives an array of each, and convert\("
    for use in (np.asarray, np.array, lambda frame: np.asarray(frame, np.float32)):
        with pytest.raises(ValueError, match=message):
            use(frame)


def test_the_one_plane_of_a_packed_picture() -> None:
    frame = VideoFrame(2, 1, V.RGBA, bytearray(8))
    (plane,) = frame.planes()
    plane[0, 1, 3] = 9
    assert frame.data[7] == 9


def test_ten_bits_at_an_odd_address(rand: Rand) -> None:
    data = rand.randbytes(1 + 2 * (15 + 2 * 6))
    frame = VideoFrame(5, 3, V.I010, memoryview(data)[1:])
    assert b"".join(plane.tobytes() for plane in frame.planes()) == data[1:]


def test_types_and_copies_as_numpy_asks_for_them() -> None:
    """By the protocol of numpy 2, and by that of numpy 1, which asks for no copy."""
    frame = VideoFrame(2, 1, V.RGB24, bytearray(range(6)))
    own = address(np.asarray(frame))
    assert address(frame.__array__()) == address(frame.__array__(None)) == address(frame.__array__(np.uint8)) == own
    assert address(frame.__array__("u1", copy=None)) == address(frame.__array__(copy=False)) == own
    assert address(np.asarray(frame, np.uint8)) == own
    copied = np.array(frame)
    assert address(copied) != own
    assert copied.flags.writeable
    assert address(frame.__array__(np.uint8, copy=True)) != own
    floats = np.asarray(frame, np.float32)
    assert (floats.dtype, floats.tolist()) == (np.float32, [[[0, 1, 2], [3, 4, 5]]])
    assert np.array(frame, dtype=np.int64).dtype == np.int64
    with pytest.raises(ValueError, match="expected uint8 for an array without a copy, got float32"):
        frame.__array__(np.float32, copy=False)
    assert [*inspect.signature(frame.__array__).parameters] == ["dtype", "copy"]
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        assert address(np.asarray(frame, copy=False)) == own
        assert address(np.asarray(frame, copy=True)) != own
        with pytest.raises(ValueError, match="without a copy"):
            np.asarray(frame, np.float32, copy=False)


def test_frames_stack_to_a_batch() -> None:
    frames = [VideoFrame(4, 2, V.RGB24, bytes([i]) * 24) for i in range(3)]
    assert np.stack(frames).shape == np.array(frames).shape == (3, 2, 4, 3)  # type: ignore[call-overload]


def test_an_array_keeps_the_memory() -> None:
    data = bytearray(24)
    array = np.asarray(VideoFrame(4, 2, V.RGB24, data))
    with pytest.raises(BufferError):
        data.append(1)
    array[:] = 5
    assert data == bytes([5]) * 24


# -- in -------------------------------------------------------------------------------------------------------------


@given(st.sampled_from(list(V)), st.integers(1, 9), st.integers(1, 9), st.randoms(use_true_random=False))
def test_there_and_back(kind: VideoBufferType, width: int, height: int, rand: Any) -> None:
    frame = made(kind, width, height, rand)
    for planes in (frame.planes(), tuple(plane.copy("F") for plane in frame.planes())):
        again = VideoFrame.from_ndarray(planes, kind)
        assert (again.width, again.height, again.type) == (width, height, kind)
        assert bytes(again.data) == bytes(frame.data)
    if kind in PACKED:
        assert bytes(VideoFrame.from_ndarray(np.asarray(frame), int(kind)).data) == bytes(frame.data)
    # Rows as wide as the picture, where they hold all planes.
    dtype = frame.planes()[0].dtype
    values = np.frombuffer(frame.data, dtype)
    halves_fit = width % 2 == 0 and (height % 2 == 0 or kind is V.I422)
    if kind in PLANAR and (halves_fit or kind is V.I444):
        stacked = VideoFrame.from_ndarray(values.reshape(-1, width), kind)
        assert (stacked.width, stacked.height) == (width, height)
        assert bytes(stacked.data) == bytes(frame.data)
    if kind is V.I444:
        assert bytes(VideoFrame.from_ndarray(values.reshape(3, height, width), kind).data) == bytes(frame.data)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [(V.RGB24, (4, 6, 3)), (V.BGRA, (4, 6, 4)), (V.I420, (6, 6)), (V.I010, (6, 6)), (V.I444, (12, 6))],
)
def test_a_contiguous_array_is_not_copied(kind: VideoBufferType, shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.uint16 if kind is V.I010 else np.uint8)
    frame = VideoFrame.from_ndarray(array, kind)
    array.reshape(-1)[-1] = 7
    assert 7 in frame.data[-2:]
    array.flags.writeable = False
    assert VideoFrame.from_ndarray(array, kind).data.readonly


VIEWS: dict[str, Callable[[Any], Any]] = {
    "every other pixel": lambda array: array[::2, ::2],
    "upside down": lambda array: array[::-1],
    "mirrored": lambda array: array[:, ::-1],
    "a part": lambda array: array[1:3, 2:5],
    "fortran": lambda array: np.asfortranarray(array),
    "transposed": lambda array: array.transpose(1, 0, 2),
    "repeated": lambda array: np.broadcast_to(array[0, 0], array.shape),
}


@pytest.mark.parametrize("name", VIEWS)
def test_strides_are_copied(name: str, rand: Rand) -> None:
    array = np.frombuffer(bytearray(rand.randbytes(72)), np.uint8).reshape(4, 6, 3)
    view = VIEWS[name](array)
    frame = VideoFrame.from_ndarray(view, V.RGB24)
    assert (frame.height, frame.width) == view.shape[:2]
    assert bytes(frame.data) == view.tobytes()
    assert not np.shares_memory(np.asarray(frame), array)
    np.asarray(frame)[:] = 0


def test_ten_bits_of_the_other_byte_order() -> None:
    array = np.arange(36, dtype=">u2").reshape(6, 6)
    frame = VideoFrame.from_ndarray(array, V.I010)
    assert frame.planes()[0].tolist() == array[:4].tolist()


def test_the_order_of_opencv(rand: Rand) -> None:
    array = np.frombuffer(bytearray(rand.randbytes(24)), np.uint8).reshape(2, 4, 3)
    before = array.copy()
    frame = VideoFrame.from_ndarray(array, "bgr24")
    assert (frame.type, frame.width, frame.height) == (V.RGB24, 4, 2)
    assert (np.asarray(frame)[..., ::-1] == before).all()
    np.asarray(frame)[:] = 0
    assert (array == before).all()


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 1), (4, 6)])
def test_gray_has_the_luma_of_gray_rgb(shape: tuple[int, ...]) -> None:
    """Which is 16 + 219 * gray / 255 by BT.601, to the nearest."""
    array = np.linspace(0, 255, math.prod(shape)).astype(np.uint8).reshape(shape)
    frame = VideoFrame.from_ndarray(array, "gray")
    assert (frame.type, frame.height, frame.width) == (V.I420, *shape[:2])
    luma, *chroma = frame.planes()
    assert (luma == np.rint(16 + 219 / 255 * array.astype(float).reshape(shape[:2]))).all()
    assert all((plane == 128).all() for plane in chroma)
    assert (luma.min(), luma.max()) == (16, 235)


def test_lists_and_subclasses() -> None:
    class Mine(VideoFrame):
        pass

    assert type(Mine.from_ndarray(np.zeros((2, 4, 3), np.uint8), V.RGB24)) is Mine
    frame = VideoFrame(4, 2, V.RGB24, bytes(24))
    assert VideoFrame.from_ndarray(frame, V.RGB24).data == frame.data  # a frame is an array, too


BAD_SHAPES: list[tuple[Any, tuple[int, ...], str]] = [
    (V.RGB24, (480, 640), r"the shape \(height, width, 3\) for RGB24, got \(480, 640\)$"),
    (V.RGB24, (480, 640, 4), r"the shape \(height, width, 3\) for RGB24, got \(480, 640, 4\)$"),
    (V.RGBA, (480, 640, 3), r"the shape \(height, width, 4\) for RGBA, got \(480, 640, 3\)$"),
    (V.RGB24, (3, 480, 640), r"got \(3, 480, 640\); transpose\(1, 2, 0\) puts the channels last$"),
    (V.RGB24, (0, 640, 3), r"got \(0, 640, 3\)$"),
    (V.RGB24, (), r"got \(\)$"),
    ("bgr24", (480, 640, 4), r"the shape \(height, width, 3\) for bgr24, got \(480, 640, 4\)$"),
    ("bgr24", (480, 640), r"the shape \(height, width, 3\) for bgr24"),
    ("gray", (480, 640, 3), r"the shape \(height, width\) for gray, got \(480, 640, 3\)$"),
    ("gray", (640,), r"the shape \(height, width\) for gray, got \(640,\)$"),
    ("gray", (0, 4), "for gray"),
    (V.I420, (480, 640, 3), r"the shape \(height \* 3 / 2, width\), both even, or a list of the planes for I420, got"),
    (V.I420, (7, 4), r"for I420, got \(7, 4\)$"),
    (V.I420, (6, 3), r"for I420, got \(6, 3\)$"),
    (V.I420, (1, 4), r"for I420, got \(1, 4\)$"),
    (V.I420, (0, 4), r"for I420, got \(0, 4\)$"),
    (V.NV12, (9, 4, 2), r"the shape \(height \* 3 / 2, width\)"),
    (V.I420A, (6, 4), r"the shape \(height \* 5 / 2, width\)"),
    (V.I422, (5, 4), r"the shape \(height \* 2, width\)"),
    (V.I444, (4, 4), r"the shape \(height \* 3, width\) or a list"),
    (V.I444, (3, 0, 4), r"for I444, got \(3, 0, 4\)$"),
    (V.I444, (3, 4, 0), r"for I444, got \(3, 4, 0\)$"),
]


@pytest.mark.parametrize(("kind", "shape", "message"), BAD_SHAPES)
def test_shapes_that_do_not_fit(kind: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=f"^array: expected .*{message}"):
        VideoFrame.from_ndarray(np.zeros(shape, np.uint8), kind)


@pytest.mark.parametrize(
    "shapes", [[(3, 5)], [(3, 5), (2, 3)], [(3, 5), (2, 3), (3, 2)], [(3, 5), (1, 2), (1, 2)], [(3, 5), (2, 3, 2)]]
)
def test_planes_that_do_not_fit(shapes: list[tuple[int, ...]]) -> None:
    got = ", ".join(map(str, shapes)).replace("(", r"\(").replace(")", r"\)")
    message = rf"^array: expected planes of the shapes \(3, 5\), \(2, 3\), \(2, 3\) for I420, got {got}$"
    with pytest.raises(ValueError, match=message):
        VideoFrame.from_ndarray([np.zeros(shape, np.uint8) for shape in shapes], V.I420)


@pytest.mark.parametrize("planes", [[], [np.zeros(4, np.uint8)], [np.zeros((0, 4), np.uint8)]])
def test_no_planes(planes: Any) -> None:
    with pytest.raises(ValueError, match=r"^array: expected 3 planes, the first of two dimensions for I444, got "):
        VideoFrame.from_ndarray(planes, V.I444)


def test_the_chroma_of_nv12_in_either_shape() -> None:
    for shape in ((2, 3, 2), (2, 6)):
        planes = [np.zeros((3, 5), np.uint8), np.arange(12, dtype=np.uint8).reshape(shape)]
        assert bytes(VideoFrame.from_ndarray(planes, V.NV12).data)[15:] == bytes(range(12))


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float32", "float64", "bool", "int64", "O", "U1", "complex64"])
@pytest.mark.parametrize("kind", [V.RGB24, V.I420, "bgr24", "gray"])
def test_arrays_of_other_numbers(kind: Any, dtype: str) -> None:
    array = np.zeros((6, 4, 3), dtype)
    name = kind if isinstance(kind, str) else kind.name
    with pytest.raises(TypeError, match=f"^array: expected uint8 for {name}, got {array.dtype}"):
        VideoFrame.from_ndarray(array, kind)


def test_ten_bits_are_not_eight() -> None:
    with pytest.raises(TypeError, match=r"^array: expected uint16 for I010, got uint8"):
        VideoFrame.from_ndarray(np.zeros((6, 4), np.uint8), V.I010)


@pytest.mark.parametrize("array", [None, 1, "text", b"bytes", object()])
def test_no_arrays(array: Any) -> None:
    with pytest.raises(TypeError, match=r"^array: expected uint8 for RGB24, got "):
        VideoFrame.from_ndarray(array, V.RGB24)
    with pytest.raises(TypeError, match=r"^array: expected uint8 for gray, got what is no array"):
        VideoFrame.from_ndarray([[1, 2], [3]], "gray")


@pytest.mark.parametrize("kind", ["rgb24", "BGR24", "", 11, -1, None, 1.5, []])
def test_formats_that_do_not_exist(kind: Any) -> None:
    with pytest.raises((ValueError, TypeError), match=r"^type: expected "):
        VideoFrame.from_ndarray(np.zeros((2, 4, 3), np.uint8), kind)


# -- beside others --------------------------------------------------------------------------------------------------


def test_pillow(rand: Rand) -> None:
    image = pytest.importorskip("PIL.Image")
    frame = made(V.RGBA, 7, 5, rand)
    again = image.fromarray(np.asarray(frame))
    assert (again.mode, again.size, again.tobytes()) == ("RGBA", (7, 5), bytes(frame.data))
    for mode, kind in (("RGB", V.RGB24), ("RGBA", V.RGBA)):
        opened = again.convert(mode)
        assert bytes(VideoFrame.from_ndarray(opened, kind).data) == opened.tobytes()
    gray = again.convert("L")
    assert VideoFrame.from_ndarray(gray, "gray").type is V.I420


def test_opencv(rand: Rand) -> None:
    cv2 = pytest.importorskip("cv2")
    frame = made(V.RGB24, 8, 6, rand)
    bgr = cv2.cvtColor(np.asarray(frame), cv2.COLOR_RGB2BGR)
    assert bytes(VideoFrame.from_ndarray(bgr, "bgr24").data) == bytes(frame.data)
    cv2.rectangle(np.asarray(frame), (0, 0), (7, 5), (1, 2, 3))
    assert bytes(frame.data[:3]) == b"\1\2\3"
    stacked = cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_I420)
    assert stacked.shape == (9, 8)
    assert np.shares_memory(VideoFrame.from_ndarray(stacked, V.I420).planes()[0], stacked)
    read = cv2.imdecode(cv2.imencode(".png", bgr)[1], cv2.IMREAD_COLOR)
    assert bytes(VideoFrame.from_ndarray(read, "bgr24").data) == VideoFrame.from_ndarray(bgr, "bgr24").data


def test_imageio(rand: Rand) -> None:
    imageio = pytest.importorskip("imageio.v3")
    frame = made(V.RGB24, 8, 6, rand)
    png = imageio.imwrite("<bytes>", frame, extension=".png")
    assert bytes(VideoFrame.from_ndarray(imageio.imread(png), V.RGB24).data) == bytes(frame.data)
