"""VideoFrame is a picture over memory of the caller."""

from __future__ import annotations

import builtins
import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from livekit_utils._runtime.arguments import check_choice, check_int
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.picture_conversion import converted_pixels, scaled_pixels
from livekit_utils.frames.sdk import load
from livekit_utils.frames.sdk_class import class_beside_sdk, sdk_class
from livekit_utils.frames.video_types import VideoBufferType, VideoRotation

if TYPE_CHECKING:
    from typing import Self

    from numpy.typing import ArrayLike, NDArray
    from typing_extensions import Buffer

__all__ = ["VideoBufferType", "VideoFrame", "VideoRotation"]


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

    @classmethod
    def from_ndarray(
        cls, array: ArrayLike | Sequence[ArrayLike], type: VideoBufferType | Literal["bgr24", "gray"] | int
    ) -> Self:
        """Returns a frame of an array of numpy, or of one array for each plane.

        Args:
            array: uint8 (I010: uint16, values from 0 to 1023). For a packed format (RGBA, ABGR, ARGB, BGRA, RGB24), of
                shape `(height, width, channels)`. For a planar one, a list of planes as `planes` gives it, or one array
                of rows as wide as the picture that holds all planes, as OpenCV and PyAV have them: I420, NV12 and I010
                `(height * 3 / 2, width)`, I420A `(height * 5 / 2, width)`, I422 `(height * 2, width)`, I444
                `(height * 3, width)` or `(3, height, width)`.
            type: The format of the array and of the frame. Two kinds of arrays have no format of their own: "bgr24",
                `(height, width, 3)` in the order of OpenCV, becomes RGB24, and "gray", `(height, width)` of values from
                0 to 255, becomes I420.

        Returns:
            A frame over the memory of the array where that is C-contiguous and of the frame's format; it is read-only
            if the array is. Otherwise a writable frame with a copy: of "bgr24" and "gray", of a list of planes, of
            strided arrays, and of those of the other byte order.

        Raises:
            ValueError: The shape does not fit the format, which does not exist, or there are no pixels.
            TypeError: It is an array of other numbers, or `type` is none.

        Example:
            >>> import numpy as np
            >>> picture = np.zeros((480, 640, 3), np.uint8)  # as of cv2.imread
            >>> VideoFrame.from_ndarray(picture, "bgr24")
            VideoFrame(width=640, height=480, type=RGB24)
            >>> VideoFrame.from_ndarray(picture, VideoBufferType.RGBA)
            Traceback (most recent call last):
              ...
            ValueError: array: expected the shape (height, width, 4) for RGBA, got (480, 640, 3)
        """
        from livekit_utils.frames.pixel_arrays import frame_of_pixels

        return frame_of_pixels(cls, array, type)

    @classmethod
    def from_av(cls, frame: Any) -> Self:
        """Returns a frame of a picture of PyAV.

        Args:
            frame: An `av.VideoFrame`. "rgba", "abgr", "argb", "bgra", "rgb24", "yuv420p", "yuva420p", "yuv422p",
                "yuv444p", "yuv420p10" and "nv12" are RGBA, ABGR, ARGB, BGRA, RGB24, I420, I420A, I422, I444, I010 and
                NV12. FFmpeg converts other formats to the one of these that keeps most of it, and luma from 0 to 255 to
                16 to 235. The matrix of colors (BT.601, BT.709) is left as it is.

        Returns:
            A read-only frame over the memory of the picture where that is of one plane without padding, which keeps
            it alive; otherwise a writable frame with a copy. It has no place for time and rotation:
            `VideoFrameEvent.from_av` has.

        Raises:
            TypeError: It is no picture of PyAV.
            ValueError: It has no pixels, or some that FFmpeg cannot convert, such as those of a graphics card.
            ImportError: PyAV is not installed.

        Example:
            >>> import av
            >>> VideoFrame.from_av(av.VideoFrame(640, 480, "yuvj420p"))
            VideoFrame(width=640, height=480, type=I420)
        """
        from livekit_utils.frames.av_pictures import frame_of_av_picture

        return frame_of_av_picture(cls, frame)

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

    def planes(self) -> list[NDArray[Any]]:
        """Returns an array over each plane, without a copy; writable if the frame is.

        Returns:
            Packed formats: one array of shape `(height, width, channels)`. Planar ones: arrays of shape
            `(height, width)`, chroma in its own size, odd sizes rounded up; the chroma of NV12 is
            `(height / 2, width / 2, 2)`. They are uint8, those of I010 uint16.

        Example:
            >>> frame = VideoFrame(4, 2, VideoBufferType.NV12, bytearray(12))
            >>> [plane.shape for plane in frame.planes()]
            [(2, 4), (1, 2, 2)]
        """
        from livekit_utils.frames.pixel_arrays import planes_of

        return planes_of(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Returns the pixels as `numpy.asarray(frame)`: uint8, of shape `(height, width, channels)`, over the memory of
        the frame. Planar formats raise ValueError: they have `planes`.

        Example:
            >>> import numpy as np
            >>> frame = VideoFrame(640, 480, VideoBufferType.RGB24, bytearray(640 * 480 * 3))
            >>> np.asarray(frame)[..., 0] = 255  # the frame is red now
            >>> np.asarray(frame).shape
            (480, 640, 3)
        """
        from livekit_utils.frames.pixel_arrays import array_of_pixels

        return array_of_pixels(self, dtype, copy)

    def to_av(self, *, timestamp_us: int | None = None) -> Any:
        """Returns the frame as a picture of PyAV, with a copy of the pixels in FFmpeg's own memory.

        Args:
            timestamp_us: Its `pts`, in microseconds, as `VideoSource.capture_frame` takes it. None: it has none.

        Returns:
            An `av.VideoFrame` of the same format (I420 is "yuv420p"). YUV is marked as BT.601 with luma from 16 to 235.

        Raises:
            TypeError: `timestamp_us` is no int.
            ValueError: It is beyond 2**62.
            ImportError: PyAV is not installed.

        Example:
            >>> picture = VideoFrame(4, 2, VideoBufferType.I420, bytes(12)).to_av(timestamp_us=40_000)
            >>> picture.format.name, picture.time
            ('yuv420p', 0.04)
        """
        from livekit_utils.frames.av_pictures import av_picture_of

        return av_picture_of(self, timestamp_us)

    def _repr_html_(self) -> str:
        """Shows the frame in a notebook: its picture, scaled down where it is large."""
        from livekit_utils.frames.notebook import html_of_picture

        return html_of_picture(self)

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
