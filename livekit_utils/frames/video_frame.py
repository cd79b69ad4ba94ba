"""VideoFrame is a picture over memory of the caller."""

from __future__ import annotations

import builtins
import copy
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from livekit_utils._runtime.arguments import check_choice, check_int
from livekit_utils._runtime.protobuf_enum import ProtobufEnum
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.picture_conversion import converted_pixels, scaled_pixels
from livekit_utils.frames.sdk import load
from livekit_utils.frames.sdk_class import class_beside_sdk, sdk_class

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["VideoBufferType", "VideoFrame", "VideoRotation"]


@public
class VideoBufferType(ProtobufEnum, IntEnum):
    """Names the layout of pixels in memory. Names and numbers are the LiveKit SDK's."""

    RGBA = 0
    ABGR = 1
    ARGB = 2
    BGRA = 3
    RGB24 = 4
    I420 = 5
    I420A = 6
    I422 = 7
    I444 = 8
    I010 = 9
    NV12 = 10

    def plane_sizes(self, width: int, height: int) -> list[int]:
        """Returns the bytes of each plane of a video frame, in order. Odd sizes of chroma are rounded up.

        Example:
            >>> VideoBufferType.I420.plane_sizes(3, 3)
            [9, 4, 4]
        """
        width, height = check_int("width", width, 0), check_int("height", height, 0)
        luma = width * height
        half_width, half_height = (width + 1) // 2, (height + 1) // 2
        quarter = half_width * half_height
        match self:
            case VideoBufferType.RGB24:
                return [luma * 3]
            case VideoBufferType.I420:
                return [luma, quarter, quarter]
            case VideoBufferType.I420A:
                return [luma, quarter, quarter, luma]
            case VideoBufferType.I422:
                return [luma, half_width * height, half_width * height]
            case VideoBufferType.I444:
                return [luma, luma, luma]
            case VideoBufferType.I010:  # 10 bits in 16
                return [luma * 2, quarter * 2, quarter * 2]
            case VideoBufferType.NV12:  # U and V interleaved
                return [luma, quarter * 2]
            case _:  # the four-byte formats
                return [luma * 4]

    def plane_strides(self, width: int) -> list[int]:
        """Returns the bytes of a row of each plane of a video frame, in order.

        Example:
            >>> VideoBufferType.NV12.plane_strides(3)
            [3, 4]
        """
        width = check_int("width", width, 0)
        half_width = (width + 1) // 2
        match self:
            case VideoBufferType.RGB24:
                return [width * 3]
            case VideoBufferType.I420 | VideoBufferType.I422:
                return [width, half_width, half_width]
            case VideoBufferType.I420A:
                return [width, half_width, half_width, width]
            case VideoBufferType.I444:
                return [width, width, width]
            case VideoBufferType.I010:
                return [width * 2, half_width * 2, half_width * 2]
            case VideoBufferType.NV12:
                return [width, half_width * 2]
            case _:
                return [width * 4]


@public
class VideoRotation(ProtobufEnum, IntEnum):
    """Tells how far to rotate a video frame for display, in degrees clockwise.

    Names and numbers are the LiveKit SDK's.
    """

    VIDEO_ROTATION_0 = 0
    VIDEO_ROTATION_90 = 1
    VIDEO_ROTATION_180 = 2
    VIDEO_ROTATION_270 = 3


@public
class VideoFrame:
    """Holds a picture: its width, its height, its pixel format and its pixels.

    The frame shares the memory of `data` and keeps it alive; nothing is copied. `isinstance(frame, rtc.VideoFrame)` is
    true for the LiveKit SDK's class as well, wherever the SDK is imported, and its `VideoSource` takes the frame like
    one of its own. It may be the type of a field of a pydantic model.

    Args:
        width: Pixels in a row, from 1.
        height: Rows, from 1.
        type: The pixel format; its planes follow each other without gaps.
        data: A C-contiguous buffer of bytes (I010: or of 16-bit values), at least as long as the format needs. The
            frame uses only this part. An array of two or more dimensions must have the frame's shape: rows, pixels and
            channels of a packed format, or rows as wide as the picture that hold exactly the planes.
        stride: Bytes from one row to the next where rows are padded: a number for the formats with one plane, one
            number per plane for the others. The frame then has a copy of its own, without the padding.

    Raises:
        ValueError: Too little data, a strided buffer, an array of another shape, a size below 1, or a format that does
            not exist.
        TypeError: Data that is no buffer, items of another type, or an argument of another wrong type.

    Example:
        >>> frame = VideoFrame(4, 2, VideoBufferType.I420, bytearray(12))
        >>> frame.data.nbytes
        12
        >>> frame.get_plane(1).nbytes
        2
        >>> VideoFrame(1920, 1080, VideoBufferType.RGBA, bytes(10))
        Traceback (most recent call last):
          ...
        ValueError: data: expected at least 8294400 bytes for 1920 x 1080 RGBA, got 10
    """

    __slots__ = ("__weakref__", "_data", "_height", "_type", "_width")

    def __init__(
        self,
        width: int,
        height: int,
        type: VideoBufferType | int,
        data: Buffer,
        *,
        stride: int | list[int] | tuple[int, ...] | None = None,
    ) -> None:
        self._width = check_int("width", width, 1)
        self._height = check_int("height", height, 1)
        self._type = check_choice("type", type, VideoBufferType)
        try:
            view = memoryview(data)
        except TypeError:
            raise TypeError(f"data: expected a buffer of bytes, got {data.__class__.__name__}") from None
        self._check_items(view)
        if stride is not None:
            view = self._without_padding(view.cast("B"), stride)
        needed = sum(self._type.plane_sizes(self._width, self._height))
        if view.nbytes < needed:
            raise ValueError(
                f"data: expected at least {needed} bytes for {width} x {height} {self._type.name}, got {view.nbytes}"
            )
        if view.ndim > 1:
            self._check_shape(view, needed)
        self._data = view.cast("B")[:needed]

    def _check_items(self, view: memoryview) -> None:
        kinds = "Bbc" + ("Hh" if self._type is VideoBufferType.I010 else "")
        if view.format.removeprefix("@").removeprefix("<") not in tuple(kinds):
            raise TypeError(
                f"data: expected {'bytes or 16-bit values' if 'H' in kinds else 'bytes'}, "
                f"got items of format {view.format!r}"
            )
        if not view.c_contiguous:
            raise ValueError("data: expected a C-contiguous buffer, got a strided one")

    def _check_shape(self, view: memoryview, needed: int) -> None:
        """Checks an array of two or more dimensions. One row of everything has no shape that could be wrong."""
        shape: list[int] = list(view.shape or ())
        rows = shape[:-1]
        row = self._type.plane_strides(self._width)[0] // view.itemsize
        if all(count == 1 for count in rows) and shape[-1] != row:
            return
        if len(self._type.plane_sizes(1, 1)) == 1:
            fits = shape in ([self._height, row], [self._height, self._width, row // self._width])
        else:
            fits = shape[-1] == row and view.nbytes == needed and (len(shape) == 2 or shape[-2] == self._height)
        if not fits:
            raise ValueError(
                f"data: expected an array in the shape of {self._width} x {self._height} {self._type.name}, got "
                f"{tuple(shape)}; say stride= where rows are padded"
            )

    def _without_padding(self, view: memoryview, stride: int | list[int] | tuple[int, ...]) -> memoryview:
        """Returns a copy of the planes, whose rows lie `stride` bytes apart."""
        rows = self._type.plane_strides(self._width)
        sizes = self._type.plane_sizes(self._width, self._height)
        strides = list(stride) if isinstance(stride, (list, tuple)) else [stride]
        if len(strides) != len(rows):
            raise ValueError(f"stride: expected {len(rows)} for the planes of {self._type.name}, got {stride!r}")
        packed = bytearray()
        start = 0
        for row, size, given in zip(rows, sizes, strides, strict=True):
            step = check_int("stride", given, row)
            num_rows = size // row
            end = start + step * (num_rows - 1) + row  # the last row needs no padding
            if view.nbytes < end:
                raise ValueError(f"data: expected at least {end} bytes with stride={stride!r}, got {view.nbytes}")
            for first in range(start, end, step):
                packed += view[first : first + row]
            start += step * num_rows
        return memoryview(packed)

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self._width

    @property
    def height(self) -> int:
        """Rows."""
        return self._height

    @property
    def type(self) -> VideoBufferType:
        """The pixel format."""
        return self._type

    @property
    def data(self) -> memoryview:
        """The bytes of all planes, one after the other; exactly as many as the format needs."""
        return self._data[:]

    def get_plane(self, plane_nth: int) -> memoryview | None:
        """Returns the bytes of one plane, without a copy; None if the format has no such plane.

        Args:
            plane_nth: The number of the plane, from 0.
        """
        plane_nth = check_int("plane_nth", plane_nth, -(2**31))
        sizes = self._type.plane_sizes(self._width, self._height)
        if not 0 <= plane_nth < len(sizes):
            return None
        start = sum(sizes[:plane_nth])
        return self._data[start : start + sizes[plane_nth]]

    def convert(
        self,
        type: VideoBufferType | int,
        *,
        flip_y: bool = False,
        matrix: Literal["bt601", "bt709"] = "bt601",
        full_range: bool = False,
    ) -> VideoFrame:
        """Returns the picture in another pixel format, in memory of its own that may be written to.

        Every format becomes every other. Where chroma stands for several pixels it is the mean of theirs, and each of
        them has it. Alpha is dropped where the new format has none, and is 255 where this one has none.

        Args:
            type: The new format; the same one gives a copy.
            flip_y: Puts the rows into the other order, the last one first.
            matrix: How Y, U and V are made of red, green and blue: by BT.601 or by BT.709.
            full_range: Y, U and V have the values 0 to 255, not 16 to 235 (Y) and 16 to 240.

        Raises:
            ValueError: A format or a matrix that does not exist.
            TypeError: An argument of another type.
            MemoryError: There is no memory for the new picture.

        Threads: the interpreter's lock is released during the conversion; nobody may change the pixels meanwhile.

        Example:
            >>> red = VideoFrame(2, 2, VideoBufferType.RGBA, bytes([255, 0, 0, 255]) * 4)
            >>> list(red.convert(VideoBufferType.I420).data)
            [81, 81, 81, 81, 90, 240]
        """
        type = check_choice("type", type, VideoBufferType)
        pixels = converted_pixels(self, type, flip_y=flip_y, matrix=matrix, full_range=full_range)
        return VideoFrame(self._width, self._height, type, pixels)

    def scale(self, width: int, height: int, *, filter: Literal["auto", "box", "bilinear"] = "auto") -> VideoFrame:
        """Returns the picture in another size, in the same format, in memory of its own that may be written to.

        Each plane is scaled by itself, in every format. Values are weighted means, rounded to the nearest.

        Args:
            width: Pixels in a row, from 1 to 65535.
            height: Rows, from 1 to 65535.
            filter: `box` takes the mean of the area that a new pixel covers, `bilinear` lies between the nearest
                pixels. `auto` takes box along an axis that gets shorter, and bilinear along one that gets longer.

        Raises:
            ValueError: A size out of range, a filter that does not exist, or a frame with more than 65535 pixels in a
                row or column.
            TypeError: An argument of another type.
            MemoryError: There is no memory for the new picture.

        Threads: the interpreter's lock is released during the scaling; nobody may change the pixels meanwhile.

        Example:
            >>> VideoFrame(640, 480, VideoBufferType.I420, bytearray(460_800)).scale(320, 240)
            VideoFrame(width=320, height=240, type=I420)
        """
        pixels = scaled_pixels(self, width, height, filter)
        return VideoFrame(width, height, self._type, pixels)

    def _proto_info(self) -> Any:
        """Returns the message that the LiveKit SDK's source sends to its library, with the address of the pixels."""
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

    @property  # type: ignore[misc]
    def __class__(self) -> builtins.type[VideoFrame]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """This class; beside the LiveKit SDK one that is a class of the SDK as well, for `isinstance`."""
        return class_beside_sdk(builtins.type(self), "livekit.rtc.video_frame", "VideoFrame")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        from livekit_utils.frames.pydantic_schema import video_frame_schema

        return video_frame_schema(cls, as_video_frame, VideoBufferType)

    def __reduce__(self) -> tuple[object, ...]:
        # A subclass is made without its __init__, which may take other arguments.
        attributes = getattr(self, "__dict__", None) or None
        state = (self._width, self._height, self._type, bytearray(self._data), attributes)
        return object.__new__, (builtins.type(self),), state

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        *arguments, attributes = state
        VideoFrame.__init__(self, *arguments)
        if attributes:
            self.__dict__.update(attributes)

    def __repr__(self) -> str:
        return f"VideoFrame(width={self._width}, height={self._height}, type={self._type.name})"


def as_video_frame(frame: Any) -> VideoFrame:
    """Returns a VideoFrame over the same memory: one of ours as it is, another's (such as the LiveKit SDK's) by its
    `width`, `height`, `type` and `data`.

    Raises:
        TypeError: Not a video frame.
        ValueError: The frame has less data than its size and format need.
    """
    if isinstance(frame, VideoFrame):
        return frame
    try:
        return VideoFrame(frame.width, frame.height, frame.type, frame.data)
    except AttributeError:
        raise TypeError(f"frame: expected a VideoFrame, got {type(frame).__name__}") from None


F = TypeVar("F")


def frozen_video_frame(frame: F) -> F:
    """Returns a video frame whose pixels nobody changes any more: the same one if they lie in `bytes`, else a copy over
    `bytes`. A frame that is neither ours nor the LiveKit SDK's is returned as it is.

    The copy is of the same class, and has the same attributes. A subclass is made without its __init__, which may take
    other arguments.
    """
    if isinstance(frame, VideoFrame):
        if isinstance(frame._data.obj, bytes):
            return frame
        copied = object.__new__(type(frame))
        if hasattr(copied, "__dict__"):
            copied.__dict__.update(frame.__dict__)
        VideoFrame.__init__(copied, frame._width, frame._height, frame._type, bytes(frame._data))
        return copied
    theirs = sdk_class("livekit.rtc.video_frame", "VideoFrame")
    if theirs is None or not isinstance(frame, theirs):
        return frame
    sdk_frame: Any = frame
    if isinstance(sdk_frame.data.obj, bytes):
        return frame
    sdk_copy: Any = copy.copy(sdk_frame)
    theirs.__init__(sdk_copy, sdk_frame.width, sdk_frame.height, sdk_frame.type, bytes(sdk_frame.data))  # type: ignore[misc]
    return sdk_copy  # type: ignore[no-any-return]
