"""SampleQueue takes samples in pieces of any length, and gives them out in pieces of any other length."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memcpy, memmove

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16, uneven


cdef class SampleQueue:
    """A queue of interleaved int16 samples that grows as needed; its owner bounds it.

    Args:
        num_channels: 1 to 128.
    """

    def __cinit__(self, Py_ssize_t num_channels, *args, **kwargs):
        if not 1 <= num_channels <= <Py_ssize_t>csrc.LKU_MIX_MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {csrc.LKU_MIX_MAX_CHANNELS}, got {num_channels}")
        self.num_channels = num_channels

    def __dealloc__(self):
        PyMem_Free(self._samples)

    @property
    def samples_per_channel(self):
        """Samples per channel in the queue."""
        return self._size // self.num_channels

    def push(self, data):
        """Appends a copy of the samples; returns how many per channel there are now."""
        cdef Py_buffer view
        cdef Py_ssize_t n = borrow_s16(data, &view)
        try:
            if n % self.num_channels:
                raise uneven(n, self.num_channels)
            if n:
                self._make_room(n)
                memcpy(self._samples + self._head + self._size, view.buf, view.len)
                self._size += n
        finally:
            PyBuffer_Release(&view)
        return self._size // self.num_channels

    def pop(self, Py_ssize_t samples_per_channel):
        """Takes out and returns the first samples, or all if fewer are there."""
        if samples_per_channel < 0:
            raise ValueError(f"samples_per_channel: expected 0 or more, got {samples_per_channel}")
        cdef Py_ssize_t n = self._size
        if samples_per_channel < n // self.num_channels:
            n = samples_per_channel * self.num_channels
        result = PyByteArray_FromStringAndSize(NULL, n * 2)
        if n:
            memcpy(PyByteArray_AS_STRING(result), self._samples + self._head, n * 2)
            self._drop(n)
        return result

    def clear(self):
        """Drops all samples."""
        self._drop(self._size)

    cdef int _make_room(self, Py_ssize_t num_samples) except -1:
        """Makes room after the last sample: moves the samples to the front, or grows the memory."""
        cdef Py_ssize_t room
        cdef csrc.lku_s16 *grown
        if self._head + self._size + num_samples <= self._room:
            return 0
        if self._head:
            memmove(self._samples, self._samples + self._head, self._size * 2)
            self._head = 0
        # Twice the samples, so that moving costs each sample less than one copy on average.
        if 2 * (self._size + num_samples) > self._room:
            room = max(2 * (self._size + num_samples), 1024)
            grown = <csrc.lku_s16 *>PyMem_Realloc(self._samples, room * 2)
            if grown is NULL:
                raise MemoryError()
            self._samples = grown
            self._room = room
        return 0

    cdef void _drop(self, Py_ssize_t num_samples) noexcept:
        """Drops the first samples, at most all."""
        self._size -= min(self._size, num_samples)
        self._head = self._head + num_samples if self._size else 0
