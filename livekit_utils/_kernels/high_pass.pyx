"""HighPass takes hum and rumble out of a voice, in place."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.string cimport memset

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16, uneven


cdef class HighPass:
    """Filters one stream of interleaved samples: a Butterworth high-pass of order 4 at 100 Hz.

    Silence stays silence. Values are rounded to nearest and saturated. The result does not depend on how the stream is
    cut into calls.

    Args:
        sample_rate: Hz, from 1000.
        num_channels: From 1.
    """

    cdef csrc.lku_high_pass _filter
    cdef csrc.lku_high_pass_memory *_memories
    cdef Py_ssize_t _num_channels

    def __cinit__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels):
        if not 1000 <= sample_rate <= 0x7FFFFFFF:
            raise ValueError(f"sample_rate: expected 1000 to {0x7FFFFFFF}, got {sample_rate}")
        if not 1 <= num_channels <= 0x7FFFFFFF:
            raise ValueError(f"num_channels: expected 1 to {0x7FFFFFFF}, got {num_channels}")
        csrc.lku_high_pass_init(&self._filter, sample_rate)
        self._num_channels = num_channels
        self._memories = <csrc.lku_high_pass_memory *>PyMem_Calloc(num_channels, sizeof(csrc.lku_high_pass_memory))
        if self._memories is NULL:
            raise MemoryError()

    def __dealloc__(self):
        PyMem_Free(self._memories)

    def reset(self):
        memset(self._memories, 0, self._num_channels * sizeof(csrc.lku_high_pass_memory))

    def process(self, data):
        """Filters the samples of a writable buffer in place."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_s16(data, &view), samples_per_channel = num_samples // self._num_channels
        try:
            if view.readonly:
                raise ValueError("expected a writable buffer, got a read-only one")
            if samples_per_channel * self._num_channels != num_samples:
                raise uneven(num_samples, self._num_channels)
            csrc.lku_high_pass_s16(&self._filter, self._memories, <csrc.lku_s16 *>view.buf, samples_per_channel,
                                   self._num_channels)
        finally:
            PyBuffer_Release(&view)
