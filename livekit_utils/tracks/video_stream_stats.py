"""VideoStreamStats: what VideoStream.stats() tells."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["VideoStreamStats"]


class VideoStreamStats(NamedTuple):
    """What a stream has done and holds."""

    frames: int
    """Frames that came, those that were dropped included."""
    dropped_frames: int
    """Frames that the reader was too slow for."""
    queued_frames: int
    """Frames that wait to be read."""
