"""VideoBufferType names the layout of pixels in memory; VideoRotation, how to turn a picture for display."""

from __future__ import annotations

from enum import IntEnum

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.protobuf_enum import ProtobufEnum
from livekit_utils._runtime.public_path import public

__all__ = ["VideoBufferType", "VideoRotation"]


@public
class VideoBufferType(ProtobufEnum, IntEnum):
    """Names the layout of pixels in memory. Names and numbers are the LiveKit SDK's."""

    RGBA = 0
    """4 bytes a pixel: red, green, blue, alpha."""
    ABGR = 1
    """4 bytes a pixel: alpha, blue, green, red."""
    ARGB = 2
    """4 bytes a pixel: alpha, red, green, blue."""
    BGRA = 3
    """4 bytes a pixel: blue, green, red, alpha."""
    RGB24 = 4
    """3 bytes a pixel: red, green, blue."""
    I420 = 5
    """Planes Y, U and V; U and V of half the width and height."""
    I420A = 6
    """As `I420`, and a plane of alpha."""
    I422 = 7
    """Planes Y, U and V; U and V of half the width."""
    I444 = 8
    """Planes Y, U and V of one size."""
    I010 = 9
    """As `I420`, with 10 bits in 2 bytes."""
    NV12 = 10
    """A plane Y, and one of U and V in turn, of half the width and height."""

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
    """As it is."""
    VIDEO_ROTATION_90 = 1
    """To be turned by 90 degrees, clockwise."""
    VIDEO_ROTATION_180 = 2
    """To be turned by 180 degrees, clockwise."""
    VIDEO_ROTATION_270 = 3
    """To be turned by 270 degrees, clockwise."""
