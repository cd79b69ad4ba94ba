"""Pace finds out whether a stream is live: whether it delivers in real time, or whenever it is asked. It looks at
every frame, so it is compiled."""

# Sound is looked at in pieces of this length. So many in a row have to come in real time.
cdef double _PIECE_S = 0.1
cdef int _NUM_PIECES = 3

# Share of the time of its sound that a live stream is waited for, at least. All is for exact clocks.
cdef double _LEAST_SHARE = 0.7

# No single wait counts for more: the first sound of an utterance that was waited for does not make it live.
cdef double _MAX_WAIT_S = 0.1

# A live stream that has delivered so much more than real time is live no longer. What it is behind because of a stall
# does not count, up to this much.
cdef double _MOST_AHEAD_S = 0.5
cdef double _MOST_BEHIND_S = 5.0

# Per piece, what is ahead or behind is forgotten by this share: clocks may drift.
cdef double _FORGET = 0.002


cdef class Pace:
    """Tells a live stream by how long its sound was waited for.

    A live stream is waited for all the time, and delivers a burst only after a stall, to make up for it. A file is
    ready whenever it is read. Synthetic speech comes faster than real time. Only the first may be left out in part, so
    a stream is not live until it has delivered 0.3 s in real time.
    """

    cpdef bint see(self, double waited_s, double delivered_s) noexcept:
        """Notes sound of `delivered_s` seconds that was waited for; returns whether the stream is live."""
        cdef bint is_in_time
        self._waited_s += min(waited_s, _MAX_WAIT_S)
        self._delivered_s += delivered_s
        if self.is_live:
            self._behind_s = min(self._behind_s + waited_s, _MOST_BEHIND_S) - delivered_s
            if self._behind_s < -_MOST_AHEAD_S:
                self.is_live = False
                self._num_pieces = 0
        if self._delivered_s >= _PIECE_S:
            self._behind_s -= _FORGET * self._behind_s
            is_in_time = self._waited_s >= _LEAST_SHARE * self._delivered_s
            self._num_pieces = self._num_pieces + 1 if is_in_time else 0
            self._waited_s = self._delivered_s = 0.0
            if self._num_pieces >= _NUM_PIECES and not self.is_live:
                self.is_live = True
                self._behind_s = 0.0
        return self.is_live
