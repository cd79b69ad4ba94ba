from libc.stdint cimport uint32_t

from livekit_utils._kernels cimport csrc


cdef enum:
    # Multiplications, which take some tens of microseconds: from here on a conversion releases the GIL.
    NOGIL_PRODUCTS = 0x80000


cdef class PolyphaseFilter:
    cdef csrc.lku_polyphase_filter _filter
    cdef void *_memory  # of the taps
    cdef csrc.lku_polyphase_run *_fine
    cdef uint32_t *_inputs


cdef class PolyphaseConverter:
    cdef csrc.lku_polyphase _state
    cdef PolyphaseFilter _filter
    cdef void *_memory
    cdef Py_ssize_t _num_channels
    cdef bint _busy

    cdef int _check_free(self) except -1
    cdef Py_ssize_t num_outputs(self, Py_ssize_t samples_per_channel) noexcept
    cdef int convert(self, const csrc.lku_s16 *samples, Py_ssize_t samples_per_channel, csrc.lku_s16 *out) except -1
