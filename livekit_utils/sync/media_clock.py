"""MediaClock tells which timestamp of the audio is heard now."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class AudioPiece:
    """Audio whose timestamps are continuous, from media time `start` to `end`. Its last sample is heard when the
    MediaClock shows `played`."""

    start: float
    end: float
    played: float
    num_frames: int = 0
    lead: float = -math.inf
    """How far the timestamps may be ahead of the played time before the next frame begins after a gap."""

    def due(self, media_time: float) -> float:
        """Returns the played time at which a media time is heard, even one outside of the piece."""
        return self.played - (self.end - media_time)


# Timestamps that are off by less than this are continuous. More is a jump.
_JUMP_S = 0.1

# A frame that begins later than this after what was pushed before begins after a gap.
GAP_S = 0.015

# Audio that is repeated by up to this much is waited for. Timestamps that go back further start over.
_REPEAT_S = 1.0

# Audio stops driving the pictures when its source has been empty for this long. A source that is fed in real time is
# empty for a moment between two frames.
_UNDERRUN_S = 0.02

# A source with less audio than this counts as empty, because floats round.
_EMPTY_S = 1e-4

# Audio comes in frames: a picture up to this much behind the last piece belongs to the frames of it that are to come.
_AHEAD_S = 1.0

# This many pieces are kept, in case the audio is ahead of the pictures. The oldest are forgotten first.
_MAX_PIECES = 64


class MediaClock:
    """Tells when a media time is heard, from the audio that was pushed into a source and the part of it that is left.

    The clock counts played time, in seconds: the length of all audio played so far, and where the source is empty, the
    wall clock's time. It stops while the source is paused. A jump of the timestamps does not change the played time; it
    begins a new piece. The media time that is heard is the end of the last piece minus what is queued.
    """

    def __init__(self) -> None:
        self._pieces: deque[AudioPiece] = deque()
        self._pushed = 0.0  # the played time when all audio pushed so far will have been heard
        self._played = 0.0
        self._at: float | None = None  # the loop's time at which `_played` was computed
        self._fed_at = float("-inf")  # the loop's time when the source was last seen to hold audio
        self._in_flight: list[float] = []  # seconds of each frame that is being captured

    def begin_push(self, duration: float) -> None:
        """Notes that a frame of `duration` seconds is being captured: the source may hold it already."""
        self._in_flight.append(duration)

    def abandon_push(self, duration: float) -> None:
        """Notes that a frame was not captured."""
        self._in_flight.remove(duration)

    def end_push(self, duration: float, end: float | None, now: float, queued: float) -> None:
        """Notes that a frame is in the source.

        Args:
            duration: Seconds of the frame.
            end: The media time at its end. None continues the frame before, if that had a timestamp.
            now: The loop's time.
            queued: Seconds that the source holds now, the frame included.
        """
        was_empty = self._pushed <= self.played(now, max(queued - duration, 0.0)) + _EMPTY_S
        self._in_flight.remove(duration)
        self._pushed = self._played + queued if was_empty else self._pushed + duration
        self._set(now, self._pushed - queued)
        if queued > _EMPTY_S:
            self._fed_at = now
        if end is None:
            if not self._pieces:
                return
            end = self._pieces[-1].end + duration
        piece = self._piece_before(end - duration)
        if piece is None:
            piece = AudioPiece(end - duration, end, self._pushed)
            self._pieces.append(piece)
            if len(self._pieces) > _MAX_PIECES:
                self._pieces.popleft()
        elif piece is not self._pieces[-1]:
            self._pieces.pop()  # one timestamp was wrong
        piece.num_frames += 1
        piece.end = end
        piece.played = self._pushed
        # Jitter goes back and forth, and a clock of its own slowly away; a gap is further ahead than the first frame.
        # So the lead does not rise with the timestamps, but it falls with them if they fall behind for good.
        lead = end - self._pushed
        piece.lead = lead if piece.num_frames == 1 else min(piece.lead, lead + _JUMP_S)

    def _piece_before(self, start: float) -> AudioPiece | None:
        """Returns the piece that a frame with this start continues; the last but one if the timestamp of the last was
        wrong."""
        pieces = self._pieces
        if pieces and abs(start - pieces[-1].end) <= _JUMP_S:
            return pieces[-1]
        if len(pieces) > 1 and pieces[-1].num_frames == 1:
            wrong, before = pieces[-1], pieces[-2]
            if abs(start - (before.end + wrong.played - before.played)) <= _JUMP_S:
                return before
        return None

    def is_after_gap(self, start: float) -> bool:
        """Returns whether a frame with this start has to be heard later than right behind what was pushed before.

        Where the source has run dry, the answer is right after `played` was called; before, it may be a wrong True.
        """
        if not self._pieces:
            return False
        piece = self._pieces[-1]
        return start - piece.lead - self.until > GAP_S and self._piece_before(start) in (None, piece)

    def gap_before(self, start: float) -> float:
        """Returns the seconds from the end of what was pushed to a frame with this start, where that is after a gap.
        Call it after `played`."""
        piece = self._pieces[-1]
        return start - self.until - min(piece.lead, piece.end - piece.played)

    @property
    def until(self) -> float:
        """The played time at which all that was pushed has been heard; now, if it has been."""
        return max(self._pushed, self._played)

    @property
    def is_capturing(self) -> bool:
        """Whether a frame is being captured."""
        return bool(self._in_flight)

    def played(self, now: float, queued: float) -> float:
        """Returns the played time.

        Args:
            now: The loop's time.
            queued: Seconds that the source holds then.
        """
        expected = self._played + (0.0 if self._at is None else now - self._at)
        if queued <= _EMPTY_S:
            # The wall clock continues where the audio ended.
            self._set(now, expected)
            return self._played
        self._fed_at = now
        candidate = best = self._pushed - queued
        if abs(best - self._played) > _EMPTY_S:  # otherwise the source is paused
            # The source may hold frames that are being captured and do not count as pushed yet. Take the number of
            # them that comes closest to the expected time.
            for duration in self._in_flight:
                candidate += duration
                if abs(candidate - expected) < abs(best - expected):
                    best = candidate
        self._set(now, best)
        return best

    def drives(self, now: float) -> bool:
        """Returns whether timestamped audio is heard: False before the first, and after an underrun."""
        return bool(self._pieces) and now - self._fed_at < _UNDERRUN_S

    def find(self, media_time: float, after: float) -> AudioPiece | None:
        """Returns the first piece that contains a media time and is heard at the played time `after` or later."""
        for piece in self._pieces:
            ahead = _AHEAD_S if piece is self._pieces[-1] else _JUMP_S
            if piece.start - _JUMP_S <= media_time <= piece.end + ahead and piece.due(media_time) >= after:
                return piece
        return None

    def first(self, media_time: float) -> AudioPiece | None:
        """Returns the piece with the highest start up to a media time; the first piece if all start later."""
        found = None
        for piece in self._pieces:
            if found is None or found.start < piece.start <= media_time + _JUMP_S:
                found = piece
        return found

    def follow(self, piece: AudioPiece | None, media_time: float, repeats: bool) -> AudioPiece | None:
        """Returns the last piece up to a media time that is reached from `piece` by jumps forward, or if `repeats`, by
        short jumps back; None if `piece` was forgotten."""
        found = None
        for other in self._pieces:
            if other is piece:
                found = other
            elif found is not None:
                back = found.end - other.start
                if back > 0 and not (repeats and back <= _REPEAT_S and media_time > found.end):
                    break  # the timestamps start over
                if other.start <= media_time + _JUMP_S:
                    found = other
        return found

    def is_over(self, piece: AudioPiece, media_time: float) -> bool:
        """Returns whether a media time is too far behind the end of a piece to belong to it."""
        return piece is not self._pieces[-1] and media_time > piece.end + _AHEAD_S

    @property
    def media_time(self) -> float | None:
        """The media time that was heard when `played` was called last; None before the first timestamp."""
        for piece in self._pieces:
            if piece.played >= self._played:
                return piece.end - (piece.played - self._played)
        return self._pieces[-1].end if self._pieces else None

    @property
    def knows_audio(self) -> bool:
        """Whether any audio with timestamps was pushed."""
        return bool(self._pieces)

    def restart(self) -> None:
        """Forgets the loop's time, because another loop takes over. The played time stays."""
        self._at = None
        self._fed_at = float("-inf")

    def forget_before(self, piece: AudioPiece) -> None:
        """Forgets the pieces before one, because the pictures have come to it."""
        while self._pieces[0] is not piece:
            self._pieces.popleft()

    def _set(self, now: float, played: float) -> None:
        self._at = now
        self._played = played
