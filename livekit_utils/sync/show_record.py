"""ShowRecord: what a synchronizer has shown, and how well in time."""

from __future__ import annotations

import math
from collections import deque
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


# ATSC IS-191 asks that sound leads picture by 15 ms at most.
_LATE_S = 0.015

_NUM_OFFSETS = 1000


class ShowRecord:
    """Counts pictures, and remembers when those of the last second were shown and how far from their sound the last
    thousand were."""

    def __init__(self, interval: float) -> None:
        self._shown: deque[float] = deque(maxlen=max(2, math.ceil(1 / interval)))
        self._offsets: deque[float] = deque(maxlen=_NUM_OFFSETS)
        self._presented = 0
        self._late = 0
        self.dropped = 0
        self.held = 0

    @property
    def num_done(self) -> int:
        """Pictures shown and dropped."""
        return self._presented + self.dropped

    @property
    def last_shown(self) -> float:
        """By the loop's clock."""
        return self._shown[-1] if self._shown else -math.inf

    def show(self, now: float, offset: float | None) -> None:
        """A picture is shown, so many seconds before its sound, where there is any."""
        self._shown.append(now)
        if offset is not None:
            self._offsets.append(offset)
            self._late += offset < -_LATE_S

    def count(self, presented: bool) -> None:
        """What was shown was taken by the video source, or refused."""
        self._presented += presented
        self.dropped += not presented

    def forget_pace(self) -> None:
        self._shown.clear()

    def fps(self, now: float) -> float:
        if len(self._shown) < 2:
            return 0.0
        first, last = self._shown[0], self._shown[-1]
        mean = (last - first) / (len(self._shown) - 1)
        # The time since the last picture counts once it is longer than usual.
        end = max(last, now - mean)
        return (len(self._shown) - 1) / (end - first) if end > first else 0.0

    def stats(self, queued_video_frames: int, queued_audio_s: float) -> AVSynchronizerStats:
        offsets = sorted(self._offsets)
        sizes = sorted(map(abs, offsets))
        return AVSynchronizerStats(
            presented=self._presented,
            late=self._late,
            dropped=self.dropped,
            held=self.held,
            offset_ms=self._offsets[-1] * 1000 if offsets else math.nan,
            offset_p50_ms=offsets[len(offsets) // 2] * 1000 if offsets else math.nan,
            offset_p99_ms=sizes[math.ceil(len(sizes) * 0.99) - 1] * 1000 if sizes else math.nan,
            queued_video_frames=queued_video_frames,
            queued_audio_ms=queued_audio_s * 1000,
        )
