"""A queue of samples: frames of any length go in, frames of any other length come out."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from libc.string cimport memcpy, memmove

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16


cdef class SampleQueue:
    """A queue of interleaved int16 frames that grows as needed; its owner bounds it."""

    def __cinit__(self, Py_ssize_t num_channels, *args, **kwargs):
        if not 1 <= num_channels <= <Py_ssize_t>csrc.LKU_MIX_MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {csrc.LKU_MIX_MAX_CHANNELS}, got {num_channels}")
        self.num_channels = num_channels

    def __dealloc__(self):
        PyMem_Free(self._samples)

    @property
    def num_frames(self):
        """Frames in the queue."""
        return self._size // self.num_channels

    def push(self, data):
        """Appends a copy of whole frames; returns how many there are now."""
        cdef Py_buffer view
        cdef Py_ssize_t n = borrow_s16(data, &view)
        try:
            if n % self.num_channels:
                raise ValueError(f"expected whole frames of {self.num_channels} channels, got {n} samples")
            if n:
                self._make_room(n)
                memcpy(self._samples + self._head + self._size, view.buf, view.len)
                self._size += n
        finally:
            PyBuffer_Release(&view)
        return self._size // self.num_channels

    def pop(self, Py_ssize_t num_frames):
        """Takes the first frames; fewer where fewer are there."""
        if num_frames < 0:
            raise ValueError(f"expected 0 or more frames, got {num_frames}")
        cdef Py_ssize_t n = self._size
        if num_frames < n // self.num_channels:
            n = num_frames * self.num_channels
        result = PyByteArray_FromStringAndSize(NULL, n * 2)
        if n:
            memcpy(PyByteArray_AS_STRING(result), self._samples + self._head, n * 2)
            self._drop(n)
        return result

    def clear(self):
        """Forgets everything in the queue."""
        self._drop(self._size)

    cdef int _make_room(self, Py_ssize_t num_samples) except -1:
        """Makes room behind the last sample, first by moving the queue to the front, then by growing."""
        cdef Py_ssize_t room
        cdef csrc.lku_s16 *grown
        if self._head + self._size + num_samples <= self._room:
            return 0
        if self._head:
            memmove(self._samples, self._samples + self._head, self._size * 2)
            self._head = 0
        # Twice what is needed, so that moving costs each sample less than one copy on average.
        if 2 * (self._size + num_samples) > self._room:
            room = max(2 * (self._size + num_samples), 1024)
            grown = <csrc.lku_s16 *>PyMem_Realloc(self._samples, room * 2)
            if grown is NULL:
                raise MemoryError()
            self._samples = grown
            self._room = room
        return 0

    cdef void _drop(self, Py_ssize_t num_samples) noexcept:
        """Forgets the first samples, at most all."""
        self._size -= min(self._size, num_samples)
        self._head = self._head + num_samples if self._size else 0
