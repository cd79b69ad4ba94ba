"""VideoFrame."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from livekit_utils.frames.sdk import load
from livekit_utils.frames.video_buffer_type import VideoBufferType

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["VideoFrame"]


class VideoFrame:
    """A picture: a width, a height, a pixel format and the pixels.

    The frame shares memory with the data it is given and keeps it alive; nothing is copied. The LiveKit SDK's
    `VideoSource` takes it as one of its own.

    Args:
        width: Pixels in a row, from 1.
        height: Rows, from 1.
        type: The pixel format; its planes follow each other without gaps.
        data: Any C-contiguous buffer of bytes, at least as long as the format needs; what lies beyond is left out.

    Raises:
        ValueError: Too little data, a strided buffer, a size below 1, a format that does not exist.
        TypeError: Data that is no buffer, or sizes that are no integers.

    Example:
        >>> frame = VideoFrame(4, 2, VideoBufferType.I420, bytearray(12))
        >>> frame.data.nbytes
        12
        >>> frame.get_plane(1).nbytes
        2
        >>> VideoFrame(1920, 1080, VideoBufferType.RGBA, bytes(10))
        Traceback (most recent call last):
          ...
        ValueError: expected at least 8294400 bytes for 1920 x 1080 RGBA, got 10
    """

    __slots__ = ("__weakref__", "_data", "_height", "_type", "_width")

    def __init__(self, width: int, height: int, type: VideoBufferType | int, data: Buffer) -> None:
        self._width = operator.index(width)
        self._height = operator.index(height)
        if self._width < 1 or self._height < 1:
            raise ValueError(f"expected a size of at least 1 x 1, got {width} x {height}")
        self._type = VideoBufferType(type)
        view = memoryview(data)
        if not view.c_contiguous:
            raise ValueError("expected a C-contiguous buffer, got a strided one")
        needed = sum(self._type.plane_sizes(self._width, self._height))
        if view.nbytes < needed:
            raise ValueError(
                f"expected at least {needed} bytes for {width} x {height} {self._type.name}, got {view.nbytes}"
            )
        self._data = view.cast("B")[:needed]

    @property
    def width(self) -> int:
        return self._width

    @property
    def height(self) -> int:
        return self._height

    @property
    def type(self) -> VideoBufferType:
        return self._type

    @property
    def data(self) -> memoryview:
        """The pixels as bytes, all planes, exactly as many as the format needs."""
        return self._data[:]

    def get_plane(self, plane_nth: int) -> memoryview | None:
        """The bytes of one plane, counted from 0, without a copy; None where the format has no such plane."""
        sizes = self._type.plane_sizes(self._width, self._height)
        if not 0 <= plane_nth < len(sizes):
            return None
        start = sum(sizes[:plane_nth])
        return self._data[start : start + sizes[plane_nth]]

    def _proto_info(self) -> Any:
        """Where the pixels are, as the message that the LiveKit SDK's source sends to its library."""
        import numpy as np

        address = np.frombuffer(self._data, np.uint8).ctypes.data
        info = load()._proto.video_frame_pb2.VideoBufferInfo(
            width=self._width, height=self._height, type=int(self._type), data_ptr=address
        )
        strides = self._type.plane_strides(self._width)
        info.stride = strides[0] if len(strides) == 1 else 0
        if len(strides) == 1:
            return info
        for size, stride in zip(self._type.plane_sizes(self._width, self._height), strides, strict=True):
            info.components.add(data_ptr=address, stride=stride, size=size)
            address += size
        return info

    def __reduce__(self) -> tuple[object, ...]:
        return VideoFrame, (self._width, self._height, self._type, bytearray(self._data))

    def __repr__(self) -> str:
        return f"VideoFrame(width={self._width}, height={self._height}, type={self._type.name})"


def as_video_frame(frame: Any) -> VideoFrame:
    """Any frame as a VideoFrame over the same memory: ours as it is, another's (the LiveKit SDK's, say) by its `width`,
    `height`, `type` and `data`."""
    if isinstance(frame, VideoFrame):
        return frame
    try:
        return VideoFrame(frame.width, frame.height, frame.type, frame.data)
    except AttributeError:
        raise TypeError(f"expected a VideoFrame, got {type(frame).__name__}") from None


def frozen_video_frame(frame: VideoFrame) -> VideoFrame:
    """The same picture in memory that nobody can write to: a copy, unless it lies in `bytes` already."""
    if isinstance(frame.data.obj, bytes):
        return frame
    return VideoFrame(frame.width, frame.height, frame.type, bytes(frame.data))
