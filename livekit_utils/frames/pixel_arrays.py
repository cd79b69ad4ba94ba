"""What `VideoFrame.from_ndarray`, `VideoFrame.planes` and `numpy.asarray(frame)` do: between pictures and arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from livekit_utils._runtime.arguments import check_choice
from livekit_utils.frames.video_types import VideoBufferType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["V", "array_of_pixels", "frame_of_pixels", "planes_of"]

# A VideoFrame, whose module imports this one.
V = TypeVar("V")

Make = Callable[[int, int, VideoBufferType, Any], V]

# What arrays have that is no format of frames: the order of OpenCV, and one value per pixel.
_BGR24, _GRAY = "bgr24", "gray"

# The values of U and V where there is no color.
_NEUTRAL = 128


# -- out ---------------------------------------------------------------------------------------------------------------


def array_of_pixels(frame: Any, dtype: Any, copy: bool | None) -> NDArray[Any]:
    """Returns the pixels of a packed format, (height, width, channels)."""
    import numpy as np

    if len(planes := planes_of(frame)) > 1:
        raise ValueError(
            f"expected a frame of a packed format for one array, got {frame.type.name}, which has {len(planes)} "
            "planes: planes() gives an array of each, and convert(VideoBufferType.RGB24) a frame that is one array"
        )
    (array,) = planes
    if dtype is not None and np.dtype(dtype) != array.dtype:
        if copy is False:
            raise ValueError(f"expected uint8 for an array without a copy, got {np.dtype(dtype)}")
        return array.astype(dtype)
    return array.copy() if copy else array


def planes_of(frame: Any) -> list[NDArray[Any]]:
    """Returns an array over each plane."""
    import numpy as np

    kind: VideoBufferType = frame.type
    shapes = _plane_shapes(kind, frame.width, frame.height)
    dtype = _dtype(kind)
    return [np.frombuffer(frame.get_plane(i), dtype).reshape(shape) for i, shape in enumerate(shapes)]


def _dtype(kind: VideoBufferType) -> np.dtype[Any]:
    import numpy as np

    return np.dtype(np.uint16 if kind is VideoBufferType.I010 else np.uint8)


def _plane_shapes(kind: VideoBufferType, width: int, height: int) -> list[tuple[int, ...]]:
    itemsize = _dtype(kind).itemsize
    rows = [stride // itemsize for stride in kind.plane_strides(width)]
    sizes = [size // itemsize for size in kind.plane_sizes(width, height)]
    if len(rows) == 1:
        return [(height, width, rows[0] // width)]
    shapes: list[tuple[int, ...]] = [(size // row, row) for size, row in zip(sizes, rows, strict=True)]
    if kind is VideoBufferType.NV12:
        shapes[1] = (shapes[1][0], shapes[1][1] // 2, 2)
    return shapes


# -- in ----------------------------------------------------------------------------------------------------------------


def frame_of_pixels(make: Make[V], array: Any, type: Any) -> V:
    """Returns a frame of an array, or of a sequence of planes; `make` is the class to make."""
    import numpy as np

    if isinstance(type, str):
        if type not in (_BGR24, _GRAY):
            raise ValueError(f"type: expected a VideoBufferType, {_BGR24!r} or {_GRAY!r}, got {type!r:.80}")
        pixels = _checked(array, np.dtype(np.uint8), type)
        return _of_bgr(make, pixels) if type == _BGR24 else _of_gray(make, pixels)
    kind = check_choice("type", type, VideoBufferType)
    if isinstance(array, (list, tuple)):
        return _of_planes(make, [_checked(plane, _dtype(kind), kind.name) for plane in array], kind)
    pixels = _checked(array, _dtype(kind), kind.name)
    if len(kind.plane_strides(1)) == 1:
        return _of_packed(make, pixels, kind, kind.name)
    return _of_stacked(make, pixels, kind)


def _checked(array: Any, dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Returns an array of this type, in the byte order of this machine."""
    import numpy as np

    try:
        values = np.asarray(array)
    except ValueError as error:  # such as lists of different lengths
        raise TypeError(f"array: expected {dtype} for {name}, got what is no array: {error}") from None
    if values.dtype.newbyteorder("=") != dtype:
        raise TypeError(f"array: expected {dtype} for {name}, got {values.dtype}")
    return values.astype(dtype, copy=False)


def _of_packed(make: Make[V], pixels: NDArray[Any], kind: VideoBufferType, name: str) -> V:
    import numpy as np

    num_channels = kind.plane_strides(1)[0]
    if pixels.ndim != 3 or pixels.shape[2] != num_channels or not pixels.size:
        hint = "; transpose(1, 2, 0) puts the channels last" if _has_channels_first(pixels, num_channels) else ""
        raise _unfit(f"the shape (height, width, {num_channels})", name, pixels.shape, hint)
    height, width, _ = pixels.shape
    return make(width, height, kind, np.ascontiguousarray(pixels))


def _has_channels_first(pixels: NDArray[Any], num_channels: int) -> bool:
    return pixels.ndim == 3 and pixels.shape[0] == num_channels


def _of_bgr(make: Make[V], pixels: NDArray[Any]) -> V:
    import numpy as np

    if pixels.ndim == 3 and pixels.shape[2] == 3:
        turned = np.empty_like(pixels, order="C")
        for channel in range(3):  # four times as fast as a copy of pixels[:, :, ::-1]
            turned[:, :, channel] = pixels[:, :, 2 - channel]
        pixels = turned
    return _of_packed(make, pixels, VideoBufferType.RGB24, _BGR24)


def _of_gray(make: Make[V], pixels: NDArray[Any]) -> V:
    """Brings values from 0 to 255 to the range of luma, from 16 to 235."""
    import numpy as np

    gray = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    if gray.ndim != 2 or not gray.size:
        raise _unfit("the shape (height, width)", _GRAY, pixels.shape)
    height, width = gray.shape
    luma_of = ((np.arange(256) * 219 + 127) // 255 + 16).astype(np.uint8)
    luma, *chroma = VideoBufferType.I420.plane_sizes(width, height)
    data = np.full(luma + sum(chroma), _NEUTRAL, np.uint8)
    # All values are in the table; the mode only saves numpy a copy.
    np.take(luma_of, gray, out=data[:luma].reshape(height, width), mode="clip")
    return make(width, height, VideoBufferType.I420, data)


def _of_planes(make: Make[V], planes: Sequence[NDArray[Any]], kind: VideoBufferType) -> V:
    """Joins planes. The size of the first one is that of the picture."""
    import numpy as np

    found = [plane.shape for plane in planes]
    names = ", ".join(map(str, found)) or "none"
    if not planes or planes[0].ndim < 2 or not planes[0].size:
        expected = f"{len(kind.plane_strides(1))} planes, the first of two dimensions"
        raise _unfit(expected, kind.name, names)
    height, width = found[0][:2]
    shapes = _plane_shapes(kind, width, height)
    flat = [(shape[0], int(np.prod(shape[1:]))) for shape in shapes]  # NV12: U and V in one row
    if len(found) != len(shapes) or any(shape not in fits for shape, *fits in zip(found, shapes, flat, strict=True)):
        raise _unfit(f"planes of the shapes {', '.join(map(str, shapes))}", kind.name, names)
    if len(planes) == 1:
        return make(width, height, kind, np.ascontiguousarray(planes[0]))
    return make(width, height, kind, np.concatenate([plane.reshape(-1) for plane in planes]))


def _of_stacked(make: Make[V], pixels: NDArray[Any], kind: VideoBufferType) -> V:
    """Takes one array that holds all planes, in rows as wide as the picture: the layout of OpenCV and of PyAV."""
    import numpy as np

    shape = pixels.shape
    if kind is VideoBufferType.I444 and pixels.ndim == 3 and shape[0] == 3:
        pixels = pixels.reshape(3 * shape[1], shape[2])
    num_values = sum(kind.plane_sizes(2, 2)) // pixels.itemsize  # of four pixels
    if pixels.ndim == 2 and pixels.size:
        rows, width = pixels.shape
        height = rows * 4 // num_values
        if sum(kind.plane_sizes(width, height)) == pixels.nbytes:
            return make(width, height, kind, np.ascontiguousarray(pixels))
    rows_of = {6: "height * 3 / 2", 8: "height * 2", 10: "height * 5 / 2", 12: "height * 3"}
    even = {6: ", both even,", 8: " of even width", 10: ", both even,", 12: ""}[num_values]
    raise _unfit(f"the shape ({rows_of[num_values]}, width){even} or a list of the planes", kind.name, shape)


def _unfit(expected: str, name: str, got: object, hint: str = "") -> ValueError:
    return ValueError(f"array: expected {expected} for {name}, got {got}{hint}")
