cdef class AudioPiece:
    cdef double start
    cdef double end
    cdef double played
    cdef Py_ssize_t num_frames
    # How far the timestamps may be ahead of the played time before the next frame begins after a gap.
    cdef double lead

    cpdef double due(self, double media_time) noexcept


cdef class MediaClock:
    cdef list _pieces
    cdef AudioPiece _newest  # the last of the pieces
    cdef double _pushed  # the played time when all audio pushed so far will have been heard
    cdef double _played
    cdef bint _has_time
    cdef double _at  # the loop's time at which `_played` was computed, if it has time
    cdef double _fed_at  # the loop's time when the source was last seen to hold audio
    cdef list _in_flight  # seconds of each frame that is being captured

    cpdef begin_push(self, double duration)
    cpdef abandon_push(self, double duration)
    cpdef bint end_push(self, double duration, timestamp, double now, double queued) except -1
    cdef AudioPiece _piece_before(self, double start)
    cpdef bint goes_on(self, double start)
    cpdef bint is_after_gap(self, double start)
    cdef double _until(self) noexcept
    cpdef double played(self, double now, double queued)
    cdef double _expected(self, double now) noexcept
    cdef void _set(self, double now, double played) noexcept
