"""PictureFitter: brings pictures of any size, pixel format and rotation to the one size that a video file has."""

from __future__ import annotations

from typing import Any

import numpy as np

from livekit_utils.files.picture_size import even, even_half, upright_size
from livekit_utils.frames.av_pictures import AV_FORMATS, BT601, LIMITED_RANGE, rows_of
from livekit_utils.frames.pyav import import_av
from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame, VideoRotation

# Transparency is left out.
_FORMATS = {**AV_FORMATS, VideoBufferType.I420A: "yuv420p"}

_BLACK = (16, 128, 128)


class PictureFitter:
    """Makes pictures of 4:2:0 that are upright, and as large as fits into the size, in the middle of black.

    Args:
        width: An even number of pixels.
        height: An even number of rows.

    Raises:
        ImportError: PyAV is not installed.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._av = import_av("recording pictures")
        self._reformatter = self._av.video.reformatter.VideoReformatter()

    def fit(self, frame: VideoFrame, rotation: VideoRotation = VideoRotation.VIDEO_ROTATION_0) -> Any:
        """Returns a new picture of PyAV."""
        picture = self._load(frame)
        upright = upright_size(frame, rotation)
        width, height = self._inner(even(upright[0]), even(upright[1]))
        turned = (width, height) if upright == (frame.width, frame.height) else (height, width)
        if (picture.width, picture.height) != turned:
            picture = self._reformatter.reformat(picture, *turned, "yuv420p")
        elif picture.format.name != "yuv420p":
            picture = self._reformatter.reformat(picture, *turned, "yuv420p", interpolation="AREA")
        if rotation is not VideoRotation.VIDEO_ROTATION_0 or (width, height) != (self.width, self.height):
            picture = self._compose(picture, int(rotation), width, height)
        picture.color_range, picture.colorspace = LIMITED_RANGE, BT601
        return picture

    def _load(self, frame: VideoFrame) -> Any:
        """Returns the picture in memory of PyAV, without an odd column and row."""
        kind = frame.type
        width, height = even(frame.width), even(frame.height)
        if width > frame.width or height > frame.height:
            width, height = frame.width, frame.height  # a single column or row is enlarged
        picture = self._av.VideoFrame(width, height, _FORMATS[kind])
        strides = kind.plane_strides(frame.width)
        wanted = kind.plane_strides(width)
        sizes = kind.plane_sizes(width, height)
        for i, plane in enumerate(picture.planes):
            source = np.frombuffer(frame.get_plane(i) or b"", np.uint8).reshape(-1, strides[i])
            rows = sizes[i] // wanted[i]
            rows_of(plane)[:rows, : wanted[i]] = source[:rows, : wanted[i]]
        picture.color_range, picture.colorspace = LIMITED_RANGE, BT601
        return picture

    def _inner(self, width: int, height: int) -> tuple[int, int]:
        """Returns the size that a picture gets: as large as fits, of the same shape."""
        if width * self.height >= height * self.width:
            return self.width, min(self.height, even(round(height * self.width / width)))
        return min(self.width, even(round(width * self.height / height))), self.height

    def _compose(self, picture: Any, quarters: int, width: int, height: int) -> Any:
        """Returns the picture, turned clockwise, in the middle of black."""
        whole = self._av.VideoFrame(self.width, self.height, "yuv420p")
        left, top = even_half(self.width - width), even_half(self.height - height)
        for i, (plane, black) in enumerate(zip(whole.planes, _BLACK, strict=True)):
            half = 1 if i == 0 else 2
            inner = rows_of(picture.planes[i])[: picture.planes[i].height, : picture.planes[i].width]
            outer = rows_of(plane)
            if (width, height) != (self.width, self.height):
                outer[:] = black
            rows = slice(top // half, (top + height) // half)
            outer[rows, left // half : (left + width) // half] = np.rot90(inner, -quarters)
        return whole
