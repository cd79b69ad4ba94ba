"""AVSynchronizerStats: what AVSynchronizer.stats() tells."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AVSynchronizerStats"]


class AVSynchronizerStats(NamedTuple):
    """How well picture and sound are together. Offsets are those of the last pictures shown while audio with
    timestamps was heard, in milliseconds: above 0 the picture was early, below 0 late; NaN before the first."""

    presented: int
    """Pictures shown."""
    late: int
    """Of those, shown more than 15 ms after their sound."""
    dropped: int
    """Pictures not shown because they were late, or because the video source refused them."""
    held: int
    """Pictures that were ready when the audio stood still or fell back, and had to wait for it."""
    offset_ms: float
    """Of the last picture."""
    offset_p50_ms: float
    """The median of the last thousand."""
    offset_p99_ms: float
    """The size that 99 of 100 of them do not exceed, in either direction."""
    queued_video_frames: int
    """Pictures that wait for their time; those whose push waits for room are not counted."""
    queued_audio_ms: float
    """What the audio source has left to play."""
