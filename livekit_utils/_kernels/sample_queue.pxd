from livekit_utils._kernels cimport csrc


cdef class SampleQueue:
    cdef csrc.lku_s16 *_samples
    cdef Py_ssize_t _head, _size, _room  # in samples
    cdef readonly Py_ssize_t num_channels
    cdef int _make_room(self, Py_ssize_t num_samples) except -1
    cdef void _drop(self, Py_ssize_t num_samples) noexcept
