cimport cython


@cython.final
cdef class ArrivalWindow:
    cdef public double changed_s
    cdef readonly double soonest_s, ahead_s, off_s
    cdef double _length_s, _end_s, _line_s, _line_ahead_s, _line_rate

    cpdef bint is_over(self, double now_s) noexcept
    cpdef void see(self, double now_s, double fill_s) noexcept
