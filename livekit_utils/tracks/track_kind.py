"""TrackKind: audio or video."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["TrackKind"]


class TrackKind(IntEnum):
    """What a track carries. Names and numbers are the LiveKit SDK's."""

    KIND_UNKNOWN = 0
    KIND_AUDIO = 1
    KIND_VIDEO = 2
