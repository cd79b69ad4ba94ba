cdef class PlayoutClock:
    cdef Py_ssize_t _sample_rate
    cdef double _start
    cdef long long _samples_per_channel  # of the run so far
    cdef double _paused_at
    cdef double _grace_s                 # how long after `end` the run is over
    cdef readonly bint paused
    cdef readonly double end

    cpdef start_run(self, double now)
    cpdef restart(self, double now)
    cpdef bint is_over(self, double now) noexcept
    cpdef double seconds_left(self, double now) noexcept
    cdef double _over_at(self) noexcept
    cdef void _set_end(self) noexcept
