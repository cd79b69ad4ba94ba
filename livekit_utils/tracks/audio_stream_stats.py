"""AudioStreamStats: what AudioStream.stats() tells."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AudioStreamStats"]


class AudioStreamStats(NamedTuple):
    """What a stream has done and holds."""

    frames: int
    """Frames made for the reader, those that were dropped included."""
    dropped_frames: int
    """Frames that the reader was too slow for."""
    queued_frames: int
    """Frames that wait to be read."""
    processor_failures: int
    """Frames that passed unprocessed because the processor failed."""
