from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.gain_queue cimport GainQueue
from livekit_utils._kernels.sample_queue cimport SampleQueue


cdef class ShapedQueue(GainQueue):
    cdef readonly Py_ssize_t delay, rest
    cdef readonly bint is_shaped
    cdef public bint skips
    cdef bint _is_copied    # the block that is mixed lies elsewhere
    cdef bint _is_armed     # it fades in with its first sample
    cdef bint _is_waiting   # that sample is there, and not heard yet
    cdef csrc.lku_mix_shape _shape
    cdef SampleQueue _line  # what has been taken from the queue and is not heard yet: `delay` samples per channel
    cdef SampleQueue _part  # a block that is held from a point within it on
    cdef Py_ssize_t _taken  # values that the mix takes, silence included
    cdef Py_ssize_t _left   # samples per channel until it is held; -1: it is not going to be
    cdef Py_ssize_t _lead   # samples per channel of silence in the queue, before the first of the stream

    cdef void _begin_fade(self) noexcept
    cdef Py_ssize_t _fresh(self) noexcept
    cdef Py_ssize_t _describe_copy(self, Py_ssize_t num_values, csrc.lku_mix_input *description) except -1
    cdef void _rest_if_done(self) noexcept
