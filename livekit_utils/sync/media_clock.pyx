"""MediaClock tells which timestamp of the audio is heard now. It looks at every frame, so it is compiled."""

from libc.math cimport INFINITY, fabs

# Timestamps that are off by less than this are continuous. More is a jump.
cdef double _JUMP_S = 0.1

# A frame that begins later than this after what was pushed before begins after a gap.
cdef double _GAP_S = 0.015
GAP_S = _GAP_S

# Audio that is repeated by up to this much is waited for. Timestamps that go back further start over.
cdef double _REPEAT_S = 1.0

# Audio stops driving the pictures when its source has been empty for this long. A source that is fed in real time is
# empty for a moment between two frames.
cdef double _UNDERRUN_S = 0.02

# A source with less audio than this counts as empty, because floats round.
cdef double _EMPTY_S = 1e-4

# Audio comes in frames: a picture up to this much behind the last piece belongs to the frames of it that are to come.
cdef double _AHEAD_S = 1.0

# This many pieces are kept, in case the audio is ahead of the pictures. The oldest are forgotten first.
cdef int _MAX_PIECES = 64


cdef class AudioPiece:
    """Audio whose timestamps are continuous, from media time `start` to `end`. Its last sample is heard when the
    MediaClock shows `played`."""

    cpdef double due(self, double media_time) noexcept:
        """Returns the played time at which a media time is heard, even one outside of the piece."""
        return self.played - (self.end - media_time)


cdef class MediaClock:
    """Tells when a media time is heard, from the audio that was pushed into a source and the part of it that is left.

    The clock counts played time, in seconds: the length of all audio played so far, and where the source is empty, the
    wall clock's time. It stops while the source is paused. A jump of the timestamps does not change the played time; it
    begins a new piece. The media time that is heard is the end of the last piece minus what is queued.
    """

    def __init__(self):
        self._pieces = []
        self._in_flight = []
        self._fed_at = -INFINITY

    cpdef begin_push(self, double duration):
        """Notes that a frame of `duration` seconds is being captured: the source may hold it already."""
        self._in_flight.append(duration)

    cpdef abandon_push(self, double duration):
        """Notes that a frame was not captured."""
        self._in_flight.remove(duration)

    cpdef bint end_push(self, double duration, timestamp, double now, double queued) except -1:
        """Notes that a frame is in the source.

        Args:
            duration: Seconds of the frame.
            timestamp: The media time at its end. None continues the frame before, if that had a timestamp.
            now: The loop's time.
            queued: Seconds that the source holds now, the frame included.

        Returns:
            Whether pictures may be due at another time than before.
        """
        cdef double expected = self._expected(now), end, lead
        cdef bint moved = self._pushed <= self.played(now, max(queued - duration, 0.0)) + _EMPTY_S
        cdef AudioPiece piece
        self._in_flight.remove(duration)
        self._pushed = self._played + queued if moved else self._pushed + duration
        self._set(now, self._pushed - queued)
        if queued > _EMPTY_S:
            self._fed_at = now
        if fabs(self._played - expected) > _EMPTY_S:
            moved = True
        if timestamp is not None:
            end = timestamp
        elif self._newest is not None:
            end = self._newest.end + duration
        else:
            return True
        piece = self._piece_before(end - duration)
        # Jitter goes back and forth, and a clock of its own slowly away; a gap is further ahead than the first frame.
        # So the lead does not rise with the timestamps, but it falls with them if they fall behind for good.
        lead = end - self._pushed
        if piece is None:
            piece = AudioPiece()
            piece.start = end - duration
            piece.lead = lead
            self._pieces.append(piece)
            if len(self._pieces) > _MAX_PIECES:
                del self._pieces[0]
            moved = True
        else:
            if piece is not self._newest:
                self._pieces.pop()  # one timestamp was wrong
                moved = True
            elif fabs(lead - (piece.end - piece.played)) > _EMPTY_S:
                moved = True
            piece.lead = min(piece.lead, lead + _JUMP_S)
        self._newest = piece
        piece.num_frames += 1
        piece.end = end
        piece.played = self._pushed
        return moved

    cdef AudioPiece _piece_before(self, double start):
        """Returns the piece that a frame with this start continues; the last but one if the timestamp of the last was
        wrong."""
        cdef AudioPiece newest = self._newest, before
        if newest is None:
            return None
        if fabs(start - newest.end) <= _JUMP_S:
            return newest
        if newest.num_frames == 1 and len(self._pieces) > 1:
            before = self._pieces[len(self._pieces) - 2]
            if fabs(start - (before.end + newest.played - before.played)) <= _JUMP_S:
                return before
        return None

    cpdef bint goes_on(self, double start):
        """Returns whether a frame with this start is for certain heard right behind what was pushed before."""
        return self._newest is not None and not self.is_after_gap(start)

    cpdef bint is_after_gap(self, double start):
        """Returns whether a frame with this start has to be heard later than right behind what was pushed before.

        Where the source has run dry, the answer is right after `played` was called; before, it may be a wrong True.
        """
        cdef AudioPiece newest = self._newest, before
        if newest is None or start - newest.lead - self._until() <= _GAP_S:
            return False
        before = self._piece_before(start)
        return before is None or before is newest

    def gap_before(self, double start):
        """Returns the seconds from the end of what was pushed to a frame with this start, where that is after a gap.
        Call it after `played`."""
        return start - self._until() - min(self._newest.lead, self._newest.end - self._newest.played)

    @property
    def until(self):
        """The played time at which all that was pushed has been heard; now, if it has been."""
        return self._until()

    cdef double _until(self) noexcept:
        return max(self._pushed, self._played)

    @property
    def is_capturing(self):
        """Whether a frame is being captured."""
        return bool(self._in_flight)

    cpdef double played(self, double now, double queued):
        """Returns the played time.

        Args:
            now: The loop's time.
            queued: Seconds that the source holds then.
        """
        cdef double expected = self._expected(now), best, candidate, duration
        if queued <= _EMPTY_S:
            # The wall clock continues where the audio ended.
            self._set(now, expected)
            return self._played
        self._fed_at = now
        candidate = best = self._pushed - queued
        if fabs(best - self._played) > _EMPTY_S:  # otherwise the source is paused
            # The source may hold frames that are being captured and do not count as pushed yet. Take the number of
            # them that comes closest to the expected time.
            for duration in self._in_flight:
                candidate += duration
                if fabs(candidate - expected) < fabs(best - expected):
                    best = candidate
        self._set(now, best)
        return best

    def drives(self, double now):
        """Returns whether timestamped audio is heard: False before the first, and after an underrun."""
        return self._newest is not None and now - self._fed_at < _UNDERRUN_S

    def find(self, double media_time, double after):
        """Returns the first piece that contains a media time and is heard at the played time `after` or later."""
        cdef AudioPiece piece
        cdef double ahead
        for piece in self._pieces:
            ahead = _AHEAD_S if piece is self._newest else _JUMP_S
            if piece.start - _JUMP_S <= media_time <= piece.end + ahead and piece.due(media_time) >= after:
                return piece
        return None

    def first(self, double media_time):
        """Returns the piece with the highest start up to a media time; the first piece if all start later."""
        cdef AudioPiece piece, found = None
        for piece in self._pieces:
            if found is None or found.start < piece.start <= media_time + _JUMP_S:
                found = piece
        return found

    def follow(self, AudioPiece piece, double media_time, bint repeats):
        """Returns the last piece up to a media time that is reached from `piece` by jumps forward, or if `repeats`, by
        short jumps back; None if `piece` is None or was forgotten."""
        cdef AudioPiece other, found = None
        cdef double back
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

    def is_over(self, AudioPiece piece not None, double media_time):
        """Returns whether a media time is too far behind the end of a piece to belong to it."""
        return piece is not self._newest and media_time > piece.end + _AHEAD_S

    @property
    def media_time(self):
        """The media time that was heard when `played` was called last; None before the first timestamp."""
        cdef AudioPiece piece
        for piece in self._pieces:
            if piece.played >= self._played:
                return piece.end - (piece.played - self._played)
        return self._newest.end if self._newest is not None else None

    @property
    def knows_audio(self):
        """Whether any audio with timestamps was pushed."""
        return self._newest is not None

    def restart(self):
        """Forgets the loop's time, because another loop takes over. The played time stays."""
        self._has_time = False
        self._fed_at = -INFINITY

    def forget_before(self, AudioPiece piece not None):
        """Forgets the pieces before one, because the pictures have come to it."""
        while self._pieces[0] is not piece:
            del self._pieces[0]

    cdef double _expected(self, double now) noexcept:
        """Returns the played time, if the source has played on since it was computed last."""
        return self._played + (now - self._at if self._has_time else 0.0)

    cdef void _set(self, double now, double played) noexcept:
        self._has_time = True
        self._at = now
        self._played = played
