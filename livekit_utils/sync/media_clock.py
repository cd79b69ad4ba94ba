"""MediaClock: where on its timeline the audio is that is heard now."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class AudioPiece:
    """A stretch of audio whose timestamps belong together: its last sample ends at media time `end`, and is heard when
    the MediaClock shows `played`."""

    start: float
    end: float
    played: float
    num_frames: int = 0

    def due(self, media_time: float) -> float:
        """The played time at which it is heard, or would be if this stretch was longer."""
        return self.played - (self.end - media_time)


# Timestamps that are off by less than this belong together; more is a jump.
_JUMP_S = 0.1

# A source counts as dry when it has been so for this long: one that is fed in real time is dry for a moment between
# any two frames.
_DRY_S = 0.02

_EMPTY_S = 1e-4

# Audio is pushed in pieces: pictures may belong to what comes next, this much behind what has come.
_AHEAD_S = 1.0

# Timelines that audio may be ahead of video; the oldest are forgotten first.
_MAX_PIECES = 64


class MediaClock:
    """Tells when a media time is heard, by what was pushed into an audio source and by how much of it is left.

    It counts played time, in seconds: that of all audio pushed so far, one frame after the other, and where the source
    is dry the wall clock's. It stands still where the source is paused. Jumps of the timestamps change nothing about
    it: they start a new piece. The media time that is heard is then the end time of what was pushed last, less what is
    queued.
    """

    def __init__(self) -> None:
        self._pieces: deque[AudioPiece] = deque()
        self._pushed = 0.0  # the played time at which all audio pushed so far will have been heard
        self._played = 0.0
        self._at: float | None = None  # the loop's time when `_played` was right
        self._wet_at = float("-inf")  # the loop's time when the source was last seen to hold audio
        self._in_flight: list[float] = []

    def begin_push(self, duration: float) -> None:
        """A frame of so many seconds is being captured: the source may hold it already."""
        self._in_flight.append(duration)

    def abandon_push(self, duration: float) -> None:
        self._in_flight.remove(duration)

    def end_push(self, duration: float, end: float | None, now: float, queued: float) -> None:
        """The frame is in the source, which holds `queued` seconds now. Without an end time it goes on where the one
        before ended, if that had one."""
        was_dry = self._pushed <= self.played(now, max(queued - duration, 0.0)) + _EMPTY_S
        self._in_flight.remove(duration)
        self._pushed = self._played + queued if was_dry else self._pushed + duration
        self._set(now, self._pushed - queued)
        if queued > _EMPTY_S:
            self._wet_at = now
        if end is None:
            if not self._pieces:
                return
            end = self._pieces[-1].end + duration
        piece = self._piece_from(end - duration)
        piece.num_frames += 1
        piece.end = end
        piece.played = self._pushed

    def _piece_from(self, start: float) -> AudioPiece:
        """The piece to which a frame belongs that starts there."""
        pieces = self._pieces
        if pieces and abs(start - pieces[-1].end) <= _JUMP_S:
            return pieces[-1]
        if len(pieces) > 1 and pieces[-1].num_frames == 1:
            wrong, before = pieces[-1], pieces[-2]
            if abs(start - (before.end + wrong.played - before.played)) <= _JUMP_S:
                pieces.pop()  # one timestamp was wrong
                return before
        pieces.append(AudioPiece(start, start, self._pushed))
        if len(pieces) > _MAX_PIECES:
            pieces.popleft()
        return pieces[-1]

    def played(self, now: float, queued: float) -> float:
        """The played time, at a time of the loop at which the source holds `queued` seconds."""
        expected = self._played + (0.0 if self._at is None else now - self._at)
        if queued <= _EMPTY_S:
            # Dry: the wall clock goes on where the audio ended.
            self._set(now, expected)
            return self._played
        self._wet_at = now
        candidate = best = self._pushed - queued
        if abs(best - self._played) > _EMPTY_S:  # else it stands still: a pause
            # Frames that are being captured may be in the source without having been counted: as many as fit best.
            for duration in self._in_flight:
                candidate += duration
                if abs(candidate - expected) < abs(best - expected):
                    best = candidate
        self._set(now, best)
        return best

    def drives(self, now: float) -> bool:
        """Whether audio with timestamps is heard: not before the first, nor when the source has run dry."""
        return bool(self._pieces) and now - self._wet_at < _DRY_S

    def find(self, media_time: float, after: float) -> AudioPiece | None:
        """The first piece with a media time that is heard no earlier than that played time; it may go on that far."""
        for piece in self._pieces:
            ahead = _AHEAD_S if piece is self._pieces[-1] else _JUMP_S
            if piece.start - _JUMP_S <= media_time <= piece.end + ahead and piece.due(media_time) >= after:
                return piece
        return None

    def first(self, media_time: float) -> AudioPiece | None:
        """The piece that comes closest to a media time from below; the earliest audio there is, if none does."""
        found = None
        for piece in self._pieces:
            if found is None or found.start < piece.start <= media_time + _JUMP_S:
                found = piece
        return found

    def follow(self, piece: AudioPiece | None, media_time: float) -> AudioPiece | None:
        """Where a piece leads: the last one to which the timestamps have jumped forward from it, up to a media time.
        None if it is of no use any more."""
        found = None
        for other in self._pieces:
            if other is piece:
                found = other
            elif found is not None:
                if other.start < found.end:
                    break  # it starts over
                if other.start <= media_time + _JUMP_S:
                    found = other
        return found

    @property
    def media_time(self) -> float | None:
        """What was heard at the last look: at most the end of what was pushed."""
        for piece in self._pieces:
            if piece.played >= self._played:
                return piece.end - (piece.played - self._played)
        return self._pieces[-1].end if self._pieces else None

    @property
    def knows_audio(self) -> bool:
        """Whether any audio with timestamps was pushed."""
        return bool(self._pieces)

    def restart(self) -> None:
        """The loop's time may be another from now on; what was heard stands where it was."""
        self._at = None
        self._wet_at = float("-inf")

    def forget_before(self, piece: AudioPiece) -> None:
        """Video has come to this piece: what the audio did before is of no use."""
        while self._pieces[0] is not piece:
            self._pieces.popleft()

    def _set(self, now: float, played: float) -> None:
        self._at = now
        self._played = played
