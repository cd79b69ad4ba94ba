"""Interpolates linearly between two sample rates; the result does not depend on how the stream is cut into calls."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from libc.string cimport memcpy

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16, uneven


cdef class LinearInterpolator:
    """Converts one stream from one rate to another.

    An output waits until `look_ahead` samples per channel more than it needs have come in.

    Args:
        input_rate, output_rate: From 1, without a common divisor.
        num_channels: From 1.
        look_ahead: From 0.
    """

    cdef csrc.lku_linear _state
    cdef Py_ssize_t _num_channels, _look_ahead
    cdef bytearray _kept  # input that coming outputs still need

    def __cinit__(
            self, Py_ssize_t input_rate, Py_ssize_t output_rate, Py_ssize_t num_channels, Py_ssize_t look_ahead=0):
        for rate in (input_rate, output_rate):
            if not 1 <= rate <= csrc.LKU_LINEAR_MAX_RATE:
                raise ValueError(f"expected a rate of 1 to {csrc.LKU_LINEAR_MAX_RATE}, got {rate}")
        if num_channels < 1:
            raise ValueError(f"expected 1 channel or more, got {num_channels}")
        self._state.input_rate = input_rate
        self._state.output_rate = output_rate
        if look_ahead < 0:
            raise ValueError(f"expected a look_ahead of 0 or more, got {look_ahead}")
        self._num_channels = num_channels
        self._look_ahead = look_ahead
        self.reset()

    def reset(self):
        self._state.frame = 0
        self._state.rest = 0
        self._kept = bytearray()

    def process(self, data):
        """Takes samples, and returns the outputs that lie between the samples seen so far."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_s16(data, &view), bytes_kept = len(self._kept), samples_per_channel, used
        try:
            if num_samples % self._num_channels:
                raise uneven(num_samples, self._num_channels)
            PyByteArray_Resize(self._kept, bytes_kept + view.len)
            if view.len:
                memcpy(PyByteArray_AS_STRING(self._kept) + bytes_kept, view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        samples_per_channel = max(0, len(self._kept) // (2 * self._num_channels) - self._look_ahead)
        result = PyByteArray_FromStringAndSize(
            NULL, csrc.lku_linear_num_outputs(&self._state, samples_per_channel) * self._num_channels * 2)
        used = csrc.lku_linear_s16(&self._state, <const csrc.lku_s16 *>PyByteArray_AS_STRING(self._kept),
                                   samples_per_channel, self._num_channels,
                                   <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        del self._kept[:used * 2 * self._num_channels]
        return result
