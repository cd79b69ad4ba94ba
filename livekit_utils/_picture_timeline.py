"""PictureTimeline: when each picture is due."""

from __future__ import annotations

from typing import Any

from livekit_utils._media_clock import MediaClock
from livekit_utils._picture import Picture

# Without audio nothing says whether a picture is to stand for so long or the timestamps have jumped. The second is for
# a task that waits for room for a picture behind a jump, and so cannot push the audio that jumps with it.
_MAX_STAND_S = 600.0
_STUCK_STAND_S = 1.0

# Timestamps that go back further than frames out of order do start over.
_LAP_S = 0.1


class PictureTimeline:
    """Tells when pictures are due: with a timestamp when the audio comes to it, and where no audio is heard, as long
    after the picture before as their timestamps say; without one at a steady pace by the loop's clock.

    `now` is the loop's time in all of this, and `played` what the MediaClock shows then.

    Args:
        interval: Seconds between pictures at a steady pace.
        tolerance: Seconds that a steady pace is behind at most; then it starts anew.
    """

    def __init__(self, interval: float, tolerance: float) -> None:
        self.clock = MediaClock()
        self._interval = interval
        self._tolerance = tolerance
        self._lap = 0
        self._entered: float | None = None  # the last timestamp that came
        self._last: Picture | None = None  # what was shown last
        self._last_due = 0.0  # in played time
        self._next_paced: float | None = None  # in the loop's time

    def enter(self, frame: Any, timestamp: float | None) -> Picture:
        """The next picture."""
        if timestamp is not None:
            if self._entered is not None and timestamp < self._entered - _LAP_S:
                self._lap += 1
            self._entered = timestamp
        return Picture(frame, self._lap, timestamp)

    def seconds_until(self, picture: Picture, now: float, played: float, stuck: bool) -> float:
        """How long until a picture is due, below 0 if it is late; `stuck` if somebody waits for room."""
        if picture.time is None:
            return 0.0 if self._next_paced is None else self._next_paced - now
        due = self._due_by_audio(picture, now)
        last = self._last
        if last is None:
            return 0.0 if due is None else due - played
        if due is None:
            in_order = last.time is not None and picture.lap == last.lap and picture.time >= last.time
            due = self._last_due + (picture.time - last.time if in_order and last.time is not None else self._interval)
        stuck = stuck and self.clock.knows_audio and not self.clock.drives(now)
        if due > self._last_due + (_STUCK_STAND_S if stuck else _MAX_STAND_S):
            due = self._last_due + self._interval  # the timestamps have jumped
        return due - played

    def goes_by_audio(self, picture: Picture, now: float) -> bool:
        """Whether it is audio that says when it is due."""
        return self._due_by_audio(picture, now) is not None

    def least_gap(self, picture: Picture) -> float:
        """Pictures that are late follow each other at twice their rate at most."""
        gap = self._interval
        if picture.time is not None and self._last is not None and self._last.time is not None:
            gap = min(gap, max(picture.time - self._last.time, 0.0))
        return gap / 2

    def show(self, picture: Picture, now: float, played: float, wait: float) -> None:
        """A picture is shown, `wait` seconds before it is due."""
        if picture.time is None:
            on_time = self._next_paced is not None and -wait <= self._tolerance
            self._next_paced = (self._next_paced if on_time and self._next_paced is not None else now) + self._interval
            self._last_due = played
        else:
            # Where it is late against nothing but the picture before, the timeline moves instead.
            on_time = self.goes_by_audio(picture, now) or -wait <= self._interval
            self._last_due = played + wait if on_time else played
            self.clock.forget_before(picture.lap)
        self._last = picture

    def restart(self) -> None:
        """The loop's time may be another from now on."""
        self.clock.restart()
        self._next_paced = None

    def _due_by_audio(self, picture: Picture, now: float) -> float | None:
        """The played time, where audio with timestamps is heard that has come to the picture's lap."""
        if picture.time is None or not self.clock.drives(now):
            return None
        return self.clock.due(picture.lap, picture.time)
