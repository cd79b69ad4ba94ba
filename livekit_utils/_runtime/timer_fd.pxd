cdef class TimerFd:
    cdef int _fd

    cpdef set(self, double seconds)
    cpdef read(self)
