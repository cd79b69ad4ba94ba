"""ShowRecord counts the pictures that a synchronizer shows, and measures how far they are from their sound."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from livekit_utils._runtime.public_path import public

__all__ = ["AVSynchronizerStats"]


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AVSynchronizerStats:
    """Tells how well picture and sound are together.

    An offset is the time from a picture to its sound, in milliseconds: above 0 the picture was early, below 0 late.
    Pictures that were shown without timestamped audio have none. Offsets are NaN before the first."""

    num_presented: int
    """Pictures that were shown."""
    num_late: int
    """Pictures among them that were shown more than 15 ms after their sound."""
    num_dropped: int
    """Pictures that were not shown, because they were late or the video source refused them."""
    num_held: int
    """Pictures that were due when the audio paused or fell behind, and had to wait for it."""
    num_audio_errors: int
    """Times that the audio source failed to tell how much audio it has left."""
    offset_ms: float
    """The offset of the last picture."""
    offset_p50_ms: float
    """The median offset of the last 1000 pictures."""
    offset_p99_ms: float
    """99 of 100 of the last 1000 pictures were off by at most this much, early or late."""
    num_queued_pictures: int
    """Pictures in the queue; those whose push waits for room do not count."""
    queued_audio_ms: float
    """The audio that the audio source has left to play."""


# ATSC IS-191 allows sound to lead the picture by 15 ms at most.
_LATE_S = 0.015

# The offsets of this many pictures are kept for the percentiles: 33 s at 30 pictures per second.
_NUM_OFFSETS = 1000


class ShowRecord:
    """Counts the pictures that were shown and dropped, and keeps the times of the last second and the last offsets.

    Args:
        interval: Seconds between pictures.
    """

    def __init__(self, interval: float) -> None:
        self._shown: deque[float] = deque(maxlen=max(2, math.ceil(1 / interval)))
        self._offsets: deque[float] = deque(maxlen=_NUM_OFFSETS)
        self._num_presented = 0
        self._num_late = 0
        self.num_dropped = 0
        self.num_held = 0
        self.last_shown = -math.inf  # the loop's time

    @property
    def num_done(self) -> int:
        """The number of pictures that were shown or dropped."""
        return self._num_presented + self.num_dropped

    def show(self, now: float, offset: float | None) -> None:
        """Notes that a picture is shown now, `offset` seconds before its sound if it has any."""
        self._shown.append(now)
        self.last_shown = now
        if offset is not None:
            self._offsets.append(offset)
            self._num_late += offset < -_LATE_S

    def count(self, presented: bool) -> None:
        """Counts a picture that the video source has taken, or refused."""
        self._num_presented += presented
        self.num_dropped += not presented

    def forget_pace(self) -> None:
        """Forgets when pictures were shown."""
        self._shown.clear()
        self.last_shown = -math.inf

    def fps(self, now: float) -> float:
        """Returns the pictures per second, over the last second."""
        if len(self._shown) < 2:
            return 0.0
        first, last = self._shown[0], self._shown[-1]
        mean = (last - first) / (len(self._shown) - 1)
        # The time since the last picture counts once it is longer than usual.
        end = max(last, now - mean)
        return (len(self._shown) - 1) / (end - first) if end > first else 0.0

    def stats(self, num_queued_pictures: int, queued_audio_s: float, num_audio_errors: int) -> AVSynchronizerStats:
        offsets = sorted(self._offsets)
        sizes = sorted(map(abs, offsets))
        return AVSynchronizerStats(
            num_presented=self._num_presented,
            num_late=self._num_late,
            num_dropped=self.num_dropped,
            num_held=self.num_held,
            num_audio_errors=num_audio_errors,
            offset_ms=self._offsets[-1] * 1000 if offsets else math.nan,
            offset_p50_ms=offsets[len(offsets) // 2] * 1000 if offsets else math.nan,
            offset_p99_ms=sizes[math.ceil(len(sizes) * 0.99) - 1] * 1000 if sizes else math.nan,
            num_queued_pictures=num_queued_pictures,
            queued_audio_ms=queued_audio_s * 1000,
        )
