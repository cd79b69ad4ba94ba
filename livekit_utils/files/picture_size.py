"""The sizes that pictures have in a video file."""

from __future__ import annotations

from livekit_utils.frames.video_frame import VideoFrame, VideoRotation


def upright_size(frame: VideoFrame, rotation: VideoRotation) -> tuple[int, int]:
    """Returns the width and height of a picture when it is turned for display."""
    is_turned = rotation in (VideoRotation.VIDEO_ROTATION_90, VideoRotation.VIDEO_ROTATION_270)
    return (frame.height, frame.width) if is_turned else (frame.width, frame.height)


def even(size: int) -> int:
    """Returns the size without an odd column or row, which 4:2:0 in a video file cannot have; 2 or more."""
    return max(2, size - size % 2)


def even_half(size: int) -> int:
    """Returns the half of an even number, as an even number."""
    return size // 2 - size // 2 % 2
