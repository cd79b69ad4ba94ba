"""What `VideoFrame.from_av` and `VideoFrame.to_av` do: between our pictures and PyAV's."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from livekit_utils._runtime.arguments import check_int
from livekit_utils.frames.pyav import import_av
from livekit_utils.frames.video_types import VideoBufferType, VideoRotation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "AV_FORMATS",
    "BT601",
    "FULL_RANGE",
    "LIMITED_RANGE",
    "av_picture_of",
    "ends_the_process",
    "frame_of_av_picture",
    "nearest_type",
    "rotation_of",
    "rows_of",
]

# A VideoFrame, whose module imports this one.
V = TypeVar("V")

AV_FORMATS = {
    VideoBufferType.RGBA: "rgba",
    VideoBufferType.ABGR: "abgr",
    VideoBufferType.ARGB: "argb",
    VideoBufferType.BGRA: "bgra",
    VideoBufferType.RGB24: "rgb24",
    VideoBufferType.I420: "yuv420p",
    VideoBufferType.I420A: "yuva420p",
    VideoBufferType.I422: "yuv422p",
    VideoBufferType.I444: "yuv444p",
    VideoBufferType.I010: "yuv420p10le" if sys.byteorder == "little" else "yuv420p10be",
    VideoBufferType.NV12: "nv12",
}
"""FFmpeg's names of the formats, whose planes are the same."""

_TYPES = {name: kind for kind, name in AV_FORMATS.items()}

# How FFmpeg marks values from 16 to 235 and from 0 to 255, and BT.601, in frames and in files. Players take pictures of
# 720 rows and more for BT.709 if they are not marked.
LIMITED_RANGE, FULL_RANGE, BT601 = 1, 2, 6

_TIME_BASE = Fraction(1, 1_000_000)
_MAX_TIMESTAMP = 2**62


# -- in ----------------------------------------------------------------------------------------------------------------


def frame_of_av_picture(make: Callable[[int, int, VideoBufferType, Any], V], picture: Any) -> V:
    """Returns a frame of a picture of PyAV; `make` is the class to make."""
    import numpy as np

    av = import_av("VideoFrame.from_av")
    if not isinstance(picture, av.VideoFrame):
        raise TypeError(f"frame: expected a VideoFrame of PyAV, got {type(picture).__name__}")
    if not picture.planes:
        raise ValueError(f"frame: expected a picture, got one of {picture.width} x {picture.height} without pixels")
    picture, kind = _in_our_format(av, picture)
    width, height = picture.width, picture.height
    rows = kind.plane_strides(width)
    if len(rows) == 1 and picture.planes[0].line_size == rows[0]:
        return make(width, height, kind, memoryview(picture.planes[0])[: rows[0] * height].toreadonly())
    data = np.empty(sum(kind.plane_sizes(width, height)), np.uint8)
    start = 0
    for plane, row, size in zip(picture.planes, rows, kind.plane_sizes(width, height), strict=True):
        data[start : start + size].reshape(-1, row)[:] = rows_of(plane)[: size // row, :row]
        start += size
    return make(width, height, kind, data)


def _in_our_format(av: Any, picture: Any) -> tuple[Any, VideoBufferType]:
    """Returns the picture itself, or converted to the format that is nearest to its own, without values from 0 to 255
    for luma."""
    name = picture.format.name
    kind = _TYPES.get(name)
    is_full = picture.color_range == FULL_RANGE and not picture.format.is_rgb
    if kind is not None and not is_full:
        return picture, kind
    if kind is None:
        kind = nearest_type(picture.format)
    is_rgb = len(kind.plane_strides(1)) == 1
    if ends_the_process(picture):
        raise ValueError(
            f"frame: expected pixels that FFmpeg can convert to {kind.name}, got {name} of "
            f"{picture.width} x {picture.height}"
        )
    try:
        options = {} if is_rgb else {"dst_color_range": "MPEG"}
        return picture.reformat(format=AV_FORMATS[kind], **options), kind
    except (av.FFmpegError, ValueError) as error:
        raise ValueError(
            f"frame: expected pixels that FFmpeg can convert to {kind.name}, got {name}: {error}"
        ) from error


def ends_the_process(picture: Any) -> bool:
    """Whether FFmpeg aborts where it converts this: raw pixels of a camera with an odd number of rows, and gray with
    alpha in floats."""
    name: str = picture.format.name
    has_odd_rows: bool = picture.height % 2 == 1
    return (name.startswith("bayer_") and has_odd_rows) or name.startswith("yaf32")


def nearest_type(format: Any) -> VideoBufferType:
    """Returns the format that keeps most of a pixel format of FFmpeg."""
    has_alpha = format.has_palette or any(component.is_alpha for component in format.components)
    if format.is_rgb or format.has_palette:
        return VideoBufferType.RGBA if has_alpha else VideoBufferType.RGB24
    if has_alpha:
        # FFmpeg's way from I420A to RGBA leaves out the last columns.
        return VideoBufferType.I420A if len(format.components) == 4 else VideoBufferType.RGBA
    if len(format.components) < 3 or format.chroma_height(4) < 4:
        is_deep = any(component.bits > 8 for component in format.components)
        return VideoBufferType.I010 if is_deep else VideoBufferType.I420
    return VideoBufferType.I422 if format.chroma_width(4) < 4 else VideoBufferType.I444


def rows_of(plane: Any) -> NDArray[np.uint8]:
    """Returns the memory of a plane of PyAV, with the bytes between its rows; from the top, also where the rows lie
    from the bottom up."""
    import numpy as np

    step: int = plane.line_size
    if step > 0:
        return np.frombuffer(plane, np.uint8)[: step * plane.height].reshape(plane.height, step)
    # PyAV's buffer begins where the last row in memory does, which is the first of the picture.
    num_bytes = -step * plane.height
    memory = (ctypes.c_uint8 * num_bytes).from_address(plane.buffer_ptr + step * (plane.height - 1))
    return np.frombuffer(memory, np.uint8).reshape(plane.height, -step)[::-1]


def rotation_of(picture: Any) -> VideoRotation:
    """Returns how far to turn a picture of PyAV for display, clockwise: by its metadata, to the next quarter."""
    counterclockwise = getattr(picture, "rotation", 0) or 0  # before PyAV 14, it is not told
    return VideoRotation(round(-counterclockwise / 90) % 4)


# -- out ---------------------------------------------------------------------------------------------------------------


def av_picture_of(frame: Any, timestamp_us: int | None) -> Any:
    """Returns a picture of PyAV with a copy of the pixels.

    It is a copy because FFmpeg reads and writes beyond the rows, up to the alignment that its own memory has.
    """
    import numpy as np

    av = import_av("VideoFrame.to_av")
    if timestamp_us is not None:
        timestamp_us = check_int("timestamp_us", timestamp_us, -_MAX_TIMESTAMP, _MAX_TIMESTAMP)
    kind: VideoBufferType = frame.type
    picture = av.VideoFrame(frame.width, frame.height, AV_FORMATS[kind])
    for i, (plane, row) in enumerate(zip(picture.planes, kind.plane_strides(frame.width), strict=True)):
        source = np.frombuffer(frame.get_plane(i), np.uint8).reshape(-1, row)
        rows_of(plane)[: len(source), :row] = source
    if not picture.format.is_rgb:
        picture.color_range, picture.colorspace = LIMITED_RANGE, BT601
    if timestamp_us is not None:
        picture.pts, picture.time_base = timestamp_us, _TIME_BASE
    return picture
