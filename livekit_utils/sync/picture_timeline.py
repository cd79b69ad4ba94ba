"""PictureTimeline tells when each picture is due."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from livekit_utils.frames.video_frame import frozen_video_frame
from livekit_utils.sync.media_clock import GAP_S, AudioPiece, MediaClock


class Picture:
    """A video frame with its place on the timeline."""

    __slots__ = ("expected", "frame", "kept", "run", "time")

    def __init__(self, frame: Any, time: float | None) -> None:
        self.frame = frame
        self.time = time  # the timestamp, if there is one; another picture's where they are out of order
        self.run = 0  # how often the timestamps had started over before this picture
        self.expected: float | None = None  # the loop's time at which it was due, when it was first looked at
        self.kept = False  # nobody can change the pixels any more

    def keep(self) -> None:
        """Makes the picture safe from its maker, who may draw the next one into the same memory."""
        if not self.kept:
            self.frame = frozen_video_frame(self.frame)
            self.kept = True


class Due(NamedTuple):
    """When a picture is due."""

    wait: float
    """Seconds until then; below 0, the picture is late."""
    piece: AudioPiece | None
    """The audio that the picture belongs to; None where no audio says when the picture is due."""


# Without audio, a gap between timestamps may be a long still or a jump. Gaps above 600 s are jumps; gaps above 1 s if
# a pusher waits for room, because it then cannot push the audio that would tell.
_MAX_GAP_S = 600.0
_MAX_GAP_BLOCKED_S = 1.0

# The first picture waits this long for audio that is being captured.
_FIRST_S = 0.05

# Pictures that are further behind the sound than this have ended.
_BEHIND_S = 1.0

# Timestamps that go back by less than this, or by three pictures, are out of order, such as those of B-frames that are
# stamped in the order of decoding. Those that go back further start over.
_BACK_S = 0.25
_BACK_PICTURES = 3.5


class PictureTimeline:
    """Tells when pictures are due.

    A picture with a timestamp is due when the audio comes to its timestamp. Where no audio is heard, it follows the
    picture before by the difference of their timestamps. Pictures without timestamps follow each other at a steady
    pace by the loop's clock.

    Where the timestamps of pictures start over, the pictures belong to the next audio that has these timestamps and is
    not over yet.

    Where they are a little out of order, the pictures keep their order, and the timestamps are put in order: each
    picture takes the lowest among its own and those behind it.

    In all methods `now` is the loop's time, and `played` the played time of the MediaClock at that time.

    Args:
        interval: Seconds between pictures at a steady pace.
        tolerance: Seconds. A steady pace that is further behind than this continues from the current time.
    """

    def __init__(self, interval: float, tolerance: float) -> None:
        self.clock = MediaClock()
        self._interval = interval
        self._tolerance = tolerance
        self._back = max(_BACK_S, _BACK_PICTURES * interval)
        self._run = 0  # how often the timestamps have started over
        self._entered: float | None = None  # the highest timestamp that was queued since
        self._last: Picture | None = None  # the picture that was shown last, except those out of order
        self._num_behind = 0  # pictures shown since then that should have been shown before it
        self._last_due = 0.0  # when it was due, in played time
        self._piece: AudioPiece | None = None  # the audio of the pictures that were shown last
        self._met = False  # whether a picture has been shown by audio yet
        self._next_paced: float | None = None  # the loop's time of the next picture without a timestamp
        self._first_looked_at: float | None = None  # the loop's time

    def put_in_order(self, picture: Picture, before: Iterable[Picture]) -> bool:
        """Exchanges the timestamps of a new picture and those before it until they rise.

        Args:
            before: The pictures that wait to be shown, the last one first.

        Returns:
            Whether any were exchanged.
        """
        last = self._last
        if picture.time is None or (
            last is not None and last.time is not None and picture.time < last.time - 1.5 * self._interval
        ):
            return False  # too late to be put in order, as where pictures run backwards
        exchanged = False
        for other in before:
            if picture.time is None or other.time is None or not 0 < other.time - picture.time <= self._back:
                break
            picture.time, other.time = other.time, picture.time
            picture = other
            exchanged = True
        return exchanged

    def enter(self, picture: Picture) -> None:
        """Takes the next picture onto the timeline."""
        if picture.time is not None:
            if self._entered is None or picture.time > self._entered:
                self._entered = picture.time
            elif picture.time < self._entered - self._back:
                self._run += 1
                self._entered = picture.time
        picture.run = self._run

    @property
    def has_begun(self) -> bool:
        """Whether any picture was shown, or audio with a timestamp was pushed."""
        return self._last is not None or self.clock.knows_audio

    @property
    def has_pictures(self) -> bool:
        """Whether any picture with a timestamp was queued."""
        return self._entered is not None

    def is_after_gap(self, start: float) -> bool:
        """Returns whether audio that starts at a media time has to be heard later than right behind the audio that was
        pushed before. As with `MediaClock.is_after_gap`, it may be a wrong True before `clock.played` was called."""
        return self.clock.is_after_gap(start) if self.clock.knows_audio else self.gap_before(start) > GAP_S

    def gap_before(self, start: float) -> float:
        """Returns the seconds in between. Call it after `clock.played`."""
        if self.clock.knows_audio:
            return self.clock.gap_before(start)
        last = self._last
        if last is None or last.time is None:
            return 0.0
        # The first audio: the pictures that are shown already tell the time.
        return start - (last.time + self.clock.until - self._last_due)

    def runs_through(self, position: float, start: float) -> bool:
        """Returns whether there are pictures of a gap of the audio, whose silence has come to `position` and which ends
        at `start`; not if the pictures have jumped over it, or ended."""
        return self._entered is not None and position - _BEHIND_S < self._entered < start

    def look(self, picture: Picture, now: float, played: float, *, blocked: bool) -> Due:
        """Returns when a picture is due.

        Args:
            blocked: Whether a pusher waits for room behind the picture.
        """
        if picture.time is None:
            return Due(0.0 if self._next_paced is None else self._next_paced - now, None)
        driven = self.clock.drives(now)
        piece = self._find_piece(picture.run, picture.time) if driven else None
        last = self._last
        if piece is not None:
            due = piece.due(picture.time)
        elif last is None:
            return Due(self._first_wait(now), None)
        elif picture.run != last.run or self._is_out_of_order(picture):
            due = self._last_due + (self._num_behind + 1) * self._interval
        else:
            due = self._last_due + self._step(last, picture)
        if last is not None:
            short = blocked and not driven and self.clock.knows_audio
            if due > self._last_due + (_MAX_GAP_BLOCKED_S if short else _MAX_GAP_S):
                due = self._last_due + self._interval  # the timestamps have jumped
        return Due(due - played, piece)

    def _first_wait(self, now: float) -> float:
        """Returns how long the first picture waits for the first audio, which tells when it is due."""
        if not self.clock.is_capturing:
            return 0.0
        if self._first_looked_at is None:
            self._first_looked_at = now
        return self._first_looked_at + _FIRST_S - now

    def is_due_behind(self, picture: Picture, before: Picture, lateness: float, now: float, played: float) -> bool:
        """Returns whether a picture is due although the one before it, which is `lateness` seconds late, was not shown
        yet."""
        if picture.time is None:
            return False
        piece = self._find_piece(picture.run, picture.time) if self.clock.drives(now) else None
        if piece is not None:
            return piece.due(picture.time) <= played
        return self._step(before, picture) <= lateness

    def least_gap(self, picture: Picture) -> float:
        """Returns the seconds to the picture before at least: late pictures follow each other at twice their rate."""
        gap = self._interval
        if (
            picture.time is not None
            and self._last is not None
            and self._last.time is not None
            and not self._is_out_of_order(picture)
        ):
            gap = min(gap, max(picture.time - self._last.time, 0.0))
        return gap / 2

    def show(self, picture: Picture, due: Due, now: float, played: float) -> None:
        """Notes that a picture is shown now, which was due as the last `look` returned."""
        late = -due.wait
        if self._is_out_of_order(picture):
            self._num_behind += 1  # the timeline stays where it is
            return
        self._num_behind = 0
        if picture.time is None:
            on_time = self._next_paced is not None and late <= self._tolerance
            self._next_paced = (self._next_paced if on_time and self._next_paced is not None else now) + self._interval
            self._last_due = played
        else:
            piece = due.piece
            # A picture that is late only against the one before it moves the timeline instead.
            self._last_due = played - late if piece is not None or late <= self._interval else played
            if piece is not None:
                self._met = True
                self.clock.forget_before(piece)
            if piece is not None or self._last is None or picture.run != self._last.run:
                self._piece = piece
        self._last = picture

    def restart(self) -> None:
        """Forgets the loop's time, because another loop takes over, whose clock may differ."""
        self.clock.restart()
        self._next_paced = None
        self._first_looked_at = None

    def _is_out_of_order(self, picture: Picture) -> bool:
        """Returns whether a later picture was shown before this one."""
        last = self._last
        return (
            last is not None
            and last.time is not None
            and picture.time is not None
            and picture.run == last.run
            and picture.time < last.time
        )

    def _step(self, before: Picture, picture: Picture) -> float:
        """Returns the seconds between two pictures by their timestamps, or the interval where these do not tell."""
        if before.time is None or picture.time is None or picture.run != before.run or picture.time < before.time:
            return self._interval
        return picture.time - before.time

    def _find_piece(self, run: int, time: float) -> AudioPiece | None:
        """Returns the audio that a picture with this run and timestamp belongs to."""
        last = self._last
        if last is not None and last.run == run:
            # Pictures that have started over behind this one belong to the audio that starts over.
            piece = self.clock.follow(self._piece, time, repeats=run == self._run)
            if piece is not None:
                return None if self.clock.is_over(piece, time) else piece
        if not self._met:
            return self.clock.first(time)
        return self.clock.find(time, self._last_due - self._interval - self._back)
