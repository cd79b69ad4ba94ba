cimport cython


@cython.final
cdef class Pace:
    cdef readonly bint is_live
    cdef double _waited_s, _delivered_s  # of this piece
    cdef int _num_pieces
    cdef double _behind_s

    cpdef bint see(self, double waited_s, double delivered_s) noexcept
