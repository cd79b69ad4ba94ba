"""PictureTimeline: when each picture is due."""

from __future__ import annotations

from typing import Any

from livekit_utils.sync.media_clock import AudioPiece, MediaClock


class Picture:
    """A video frame and its place on the timeline."""

    __slots__ = ("expected", "frame", "run", "time")

    def __init__(self, frame: Any, time: float | None) -> None:
        self.frame = frame
        self.time = time  # None where it has no timestamp
        self.run = 0  # counts how often the timestamps have started over
        self.expected: float | None = None  # when it was to be shown, by the first look at it


# Without audio nothing says whether a picture is to stand for so long or the timestamps have jumped. The second is for
# a task that waits for room for a picture behind a jump, and so cannot push the audio that jumps with it.
_MAX_STAND_S = 600.0
_STUCK_STAND_S = 1.0

# Timestamps that go back further than frames out of order do start over.
_BACK_S = 0.1


class PictureTimeline:
    """Tells when pictures are due: with a timestamp when the audio comes to it, and where no audio is heard, as long
    after the picture before as their timestamps say; without one at a steady pace by the loop's clock.

    Where the timestamps of pictures start over, their sound is the next piece of audio that has them and is not over.

    `now` is the loop's time in all of this, and `played` what the MediaClock shows then.

    Args:
        interval: Seconds between pictures at a steady pace.
        tolerance: Seconds that a steady pace is behind at most; then it starts anew.
    """

    def __init__(self, interval: float, tolerance: float) -> None:
        self.clock = MediaClock()
        self._interval = interval
        self._tolerance = tolerance
        self._run = 0
        self._entered: float | None = None  # the last timestamp that came
        self._last: Picture | None = None  # what was shown last
        self._last_due = 0.0  # in played time
        self._piece: AudioPiece | None = None  # the audio of the pictures shown last
        self._met = False  # whether pictures and audio have ever met
        self._next_paced: float | None = None  # in the loop's time

    def enter(self, picture: Picture) -> None:
        """Takes the next picture onto the timeline."""
        if picture.time is not None:
            if self._entered is not None and picture.time < self._entered - _BACK_S:
                self._run += 1
            self._entered = picture.time
        picture.run = self._run

    def seconds_until(self, picture: Picture, now: float, played: float, stuck: bool) -> float:
        """How long until a picture is due, below 0 if it is late; `stuck` if somebody waits for room."""
        if picture.time is None:
            return 0.0 if self._next_paced is None else self._next_paced - now
        due = self._due_by_audio(picture, now)
        last = self._last
        if last is None:
            return 0.0 if due is None else due - played
        if due is None:
            due = self._last_due + self._step(last, picture)
        stuck = stuck and self.clock.knows_audio and not self.clock.drives(now)
        if due > self._last_due + (_STUCK_STAND_S if stuck else _MAX_STAND_S):
            due = self._last_due + self._interval  # the timestamps have jumped
        return due - played

    def is_due_behind(self, picture: Picture, before: Picture, lateness: float, now: float, played: float) -> bool:
        """Whether a picture is due as well as the one before it, which is so many seconds late."""
        due = self._due_by_audio(picture, now)
        if due is not None:
            return due <= played
        return picture.time is not None and self._step(before, picture) <= lateness

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
            piece = self._find_piece(picture.run, picture.time) if self.clock.drives(now) else None
            # Where it is late against nothing but the picture before, the timeline moves instead.
            self._last_due = played + wait if piece is not None or -wait <= self._interval else played
            if piece is not None:
                self._met = True
                self.clock.forget_before(piece)
            if piece is not None or self._last is None or picture.run != self._last.run:
                self._piece = piece
        self._last = picture

    def restart(self) -> None:
        """The loop's time may be another from now on."""
        self.clock.restart()
        self._next_paced = None

    def _step(self, before: Picture, picture: Picture) -> float:
        """How long one stands before the other is shown, by their timestamps."""
        if before.time is None or picture.time is None or picture.run != before.run or picture.time < before.time:
            return self._interval
        return picture.time - before.time

    def _due_by_audio(self, picture: Picture, now: float) -> float | None:
        """The played time, where audio with timestamps is heard that belongs to the picture."""
        if picture.time is None or not self.clock.drives(now):
            return None
        piece = self._find_piece(picture.run, picture.time)
        return None if piece is None else piece.due(picture.time)

    def _find_piece(self, run: int, time: float) -> AudioPiece | None:
        last = self._last
        if last is not None and last.run == run:
            piece = self.clock.follow(self._piece, time)
            if piece is not None:
                return piece
        if not self._met:
            return self.clock.first(time)
        return self.clock.find(time, self._last_due - self._interval - _BACK_S)
