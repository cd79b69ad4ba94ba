"""VideoRotation: how a picture is to be turned for display."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["VideoRotation"]


class VideoRotation(IntEnum):
    """Degrees clockwise. Names and numbers are the LiveKit SDK's."""

    VIDEO_ROTATION_0 = 0
    VIDEO_ROTATION_90 = 1
    VIDEO_ROTATION_180 = 2
    VIDEO_ROTATION_270 = 3
