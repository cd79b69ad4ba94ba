"""What `VideoFrame.convert` and `VideoFrame.scale` do: the pixels of a frame in another format or size."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from livekit_utils._kernels.pixels import convert_picture, scale_picture
from livekit_utils._runtime.arguments import check_choice, check_int, check_type

if TYPE_CHECKING:
    from livekit_utils.frames.video_types import VideoBufferType

__all__ = ["converted_pixels", "scaled_pixels"]

# Pixels in a row, and rows, of a picture that is scaled: its sums have to fit.
_MAX_SCALED_SIZE = 65535


class _Matrix(StrEnum):
    BT601 = "bt601"
    BT709 = "bt709"


class _Filter(StrEnum):
    AUTO = "auto"
    BOX = "box"
    BILINEAR = "bilinear"


# The weights of red and blue in grey; green has the rest.
_WEIGHTS = {_Matrix.BT601: (0.299, 0.114), _Matrix.BT709: (0.2126, 0.0722)}


def converted_pixels(
    frame: Any,
    type: VideoBufferType,
    *,
    flip_y: bool = False,
    matrix: str = "bt601",
    full_range: bool = False,
    writable: bool = True,
) -> bytearray | bytes:
    """Returns the planes of a VideoFrame in another format: a bytearray, or bytes if they are not `writable`.

    The module of VideoFrame imports this one.
    """
    check_type("flip_y", flip_y, bool)
    check_type("full_range", full_range, bool)
    red, blue = _WEIGHTS[check_choice("matrix", matrix, _Matrix)]
    return convert_picture(
        frame.data,
        frame.type,
        frame.width,
        frame.height,
        type,
        flip_y=flip_y,
        red=red,
        blue=blue,
        full_range=full_range,
        writable=writable,
    )


def scaled_pixels(frame: Any, width: int, height: int, filter: str) -> bytearray:
    """Returns the planes of a frame in another size."""
    width = check_int("width", width, 1, _MAX_SCALED_SIZE)
    height = check_int("height", height, 1, _MAX_SCALED_SIZE)
    number = list(_Filter).index(check_choice("filter", filter, _Filter))
    if max(frame.width, frame.height) > _MAX_SCALED_SIZE:
        raise ValueError(
            f"scale: expected a frame of up to {_MAX_SCALED_SIZE} pixels each way, got {frame.width} x {frame.height}"
        )
    return scale_picture(frame.data, frame.type, frame.width, frame.height, width, height, filter=number)
