"""Linear interpolation between two sample rates, exact and independent of how the stream is cut."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from libc.string cimport memcpy

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16


cdef class LinearInterpolator:
    """One stream from one rate to another. Rates: positive, without a common divisor.

    An output waits until `look_ahead` frames more than it needs have come in.
    """

    cdef csrc.lku_linear _state
    cdef Py_ssize_t _num_channels, _look_ahead
    cdef bytearray _kept  # input frames that coming outputs still need

    def __cinit__(self, Py_ssize_t input_rate, Py_ssize_t output_rate, Py_ssize_t num_channels, Py_ssize_t look_ahead=0):
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
        """Takes whole frames, returns the outputs that lie between the frames seen so far."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_s16(data, &view), bytes_kept = len(self._kept), num_frames, used
        try:
            if num_samples % self._num_channels:
                raise ValueError(f"expected whole frames of {self._num_channels} channels, got {num_samples} samples")
            PyByteArray_Resize(self._kept, bytes_kept + view.len)
            if view.len:
                memcpy(PyByteArray_AS_STRING(self._kept) + bytes_kept, view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        num_frames = max(0, len(self._kept) // (2 * self._num_channels) - self._look_ahead)
        result = PyByteArray_FromStringAndSize(
            NULL, csrc.lku_linear_num_outputs(&self._state, num_frames) * self._num_channels * 2)
        used = csrc.lku_linear_s16(&self._state, <const csrc.lku_s16 *>PyByteArray_AS_STRING(self._kept), num_frames,
                                   self._num_channels, <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        del self._kept[:used * 2 * self._num_channels]
        return result
