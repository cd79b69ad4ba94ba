"""PictureConverter brings pictures that PyAV has decoded to a VideoFrame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from livekit_utils.frames.av_pictures import (
    AV_FORMATS,
    FULL_RANGE,
    ends_the_process,
    nearest_type,
    rotation_of,
    rows_of,
)
from livekit_utils.frames.pyav import import_av
from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame, VideoRotation
from livekit_utils.playback.errors import MediaFileError

# Bytes that are copied at a time, which takes some 10 microseconds.
_PIECE_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class DecodedPicture:
    """A picture, and how to turn it for display."""

    frame: VideoFrame
    rotation: VideoRotation

    @property
    def width(self) -> int:
        return self.frame.width

    @property
    def height(self) -> int:
        return self.frame.height


class PictureConverter:
    """Brings pictures of any pixel format to I420; those that have transparency to I420A, or RGBA if they are RGB.

    I420 and I420A are copied into the memory of the VideoFrame; the decoder's planes lie apart. All others are
    converted. The sizes of the pictures may change.
    """

    def __init__(self) -> None:
        self._reformatter = import_av().video.reformatter.VideoReformatter()

    def convert(self, picture: Any) -> DecodedPicture:
        """Returns a frame over `bytes` that nobody else has.

        Raises:
            MediaFileError: FFmpeg cannot convert it.
        """
        rotation = rotation_of(picture)
        kind, name = _target(picture.format)
        is_full = picture.color_range == FULL_RANGE and kind is not VideoBufferType.RGBA
        if ends_the_process(picture):
            text = f"expected pictures that FFmpeg can convert, got {picture.format.name}"
            raise MediaFileError(f"{text} of {picture.width} x {picture.height}")
        if picture.format.name != name or is_full:
            options = {} if kind is VideoBufferType.RGBA else {"dst_color_range": "MPEG"}
            picture = self._reformatter.reformat(picture, format=name, **options)
        width, height = picture.width, picture.height
        rows = kind.plane_strides(width)
        sizes = kind.plane_sizes(width, height)
        planes = zip(picture.planes, rows, sizes, strict=True)
        data = b"".join(_packed((_memory(plane), abs(plane.line_size), row, size) for plane, row, size in planes))
        return DecodedPicture(VideoFrame(width, height, kind, data), rotation)


def _target(format: Any) -> tuple[VideoBufferType, str]:
    """Returns what a pixel format is brought to, and FFmpeg's name of that."""
    kind = nearest_type(format)
    if kind not in (VideoBufferType.RGBA, VideoBufferType.I420A):
        kind = VideoBufferType.I420
    return kind, AV_FORMATS[kind]


def _memory(plane: Any) -> memoryview:
    """Returns the rows of a plane from the top, with the bytes between them."""
    if plane.line_size > 0:
        return memoryview(plane)
    return np.ascontiguousarray(rows_of(plane)).reshape(-1).data


def _packed(planes: Iterable[tuple[memoryview, int, int, int]]) -> Iterator[bytes]:
    """Returns the rows of planes without the bytes between them, in pieces.

    Python holds the GIL while it copies a plane of FFmpeg, but not while it joins large `bytes`. So the pieces are
    copied twice.
    """
    for memory, step, row, size in planes:
        num_rows = max(_PIECE_BYTES // row, 1)
        for first in range(0, size // row, num_rows):
            last = min(first + num_rows, size // row)
            if step == row:
                yield bytes(memory[first * row : last * row])
            else:
                yield b"".join([memory[at : at + row] for at in range(first * step, last * step, step)])
