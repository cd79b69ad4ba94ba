"""What `VideoFrame.convert` does: the pixels of a frame in another format."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from livekit_utils._kernels.pixels import convert_picture
from livekit_utils._runtime.arguments import check_choice, check_type

if TYPE_CHECKING:
    from livekit_utils.frames.video_types import VideoBufferType

__all__ = ["converted_pixels"]


class _Matrix(StrEnum):
    BT601 = "bt601"
    BT709 = "bt709"


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
    """Returns the planes of a frame in another format: a bytearray, or bytes if they are not to be `writable`."""
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
