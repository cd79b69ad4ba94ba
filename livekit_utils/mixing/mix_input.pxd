cimport cython

from livekit_utils._kernels.shaped_queue cimport ShapedQueue
from livekit_utils.frames.audio_frame cimport AudioFrame


cdef class MixInput(ShapedQueue):
    cdef readonly unsigned long long num_delivered  # samples per channel that the stream has delivered
    cdef public bint plain
    cdef public Py_ssize_t sample_rate, read_ahead
    cdef bint _expected, _paused, _draining
    cdef MixInputs _inputs  # None while it is in none
    cdef Py_ssize_t _index  # in `_inputs.all`
    cdef int _counted_as

    cdef int _take(self, item) except -1
    cdef AudioFrame _fitting(self, item)
    cdef int _append(self, AudioFrame frame) except -1
    cdef int _appended(self, Py_ssize_t before, Py_ssize_t samples_per_channel) noexcept
    cdef void _count(self) noexcept


@cython.final
cdef class MixInputs:
    cdef readonly list all                   # in no order
    cdef readonly Py_ssize_t block
    cdef readonly Py_ssize_t num_expected    # that a block waits for
    cdef readonly Py_ssize_t num_lacking     # expected, and without their part
    cdef readonly Py_ssize_t num_ready       # with their part; not expected ones with whatever they hold
    cdef readonly Py_ssize_t num_holding     # with any samples
    cdef readonly Py_ssize_t num_starved     # paused, and without their part
    cdef readonly Py_ssize_t num_running     # expected, and have delivered
    cdef public bint has_arrived             # set with any samples that a stream delivers

    cdef void _move(self, int was, int is_now) noexcept
