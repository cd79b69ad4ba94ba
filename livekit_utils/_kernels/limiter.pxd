from libc.stdint cimport int32_t, int64_t

from livekit_utils._kernels cimport csrc


cdef class Limiter:
    cdef csrc.lku_limiter _state
    cdef int32_t *_memory
    cdef Py_ssize_t _num_held  # samples per channel that have gone in and not come out

    cdef void limit(self, const int64_t *sums, Py_ssize_t samples_per_channel, csrc.lku_s16 *out) noexcept
