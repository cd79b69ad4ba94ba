from libc.stdint cimport int32_t, uint32_t

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.sample_queue cimport SampleQueue


cdef struct moving_gain:
    # A gain in fixed point that may be on its way in a straight line, as lku_mix_input has it.
    int32_t gain
    int32_t gain_from
    uint32_t ramp_length
    uint32_t ramp_position


cdef class GainQueue(SampleQueue):
    cdef moving_gain _gain
    cdef moving_gain _gate
    cdef csrc.lku_level _level
    cdef Py_ssize_t _level_values
    cdef Py_ssize_t _described  # its place among those that are being mixed, or -1

    cdef double _power(self, Py_ssize_t num_values) noexcept
    cdef void _apply_gate(self, Py_ssize_t samples_per_channel) noexcept
    cdef void _run_gate(self, csrc.lku_s16 *samples, Py_ssize_t samples_per_channel) noexcept
    cdef Py_ssize_t _describe(self, Py_ssize_t num_values, csrc.lku_mix_input *description) except -1
    cdef void _take_out(self, Py_ssize_t samples_per_channel) noexcept
    cdef void _move_on(self, Py_ssize_t samples_per_channel) noexcept


cdef class Ramp:
    cdef readonly Py_ssize_t num_channels, samples_left
    cdef moving_gain _gain
