"""Loudness measures the loudness and true peak of a stream of samples."""
from cpython.mem cimport PyMem_Free, PyMem_Malloc

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_f32, borrow_s16
from livekit_utils._kernels.borrow cimport release_gil_if, restore_gil, uneven

from livekit_utils._kernels import simd as _simd

MIN_RATE = csrc.LKU_LOUDNESS_MIN_RATE
MAX_RATE = csrc.LKU_LOUDNESS_MAX_RATE
MAX_CHANNELS = csrc.LKU_LOUDNESS_MAX_CHANNELS

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    # Samples of all channels, which take about 50 microseconds. For longer the GIL is released.
    LONG = 8192


cdef class Loudness:
    """Follows one stream of interleaved samples.

    Args:
        sample_rate: Hz, from `MIN_RATE` to `MAX_RATE`.
        num_channels: 1 to `MAX_CHANNELS`.

    Threads: one at a time; a call of another thread meanwhile is a RuntimeError.
    """

    cdef csrc.lku_loudness *_state
    cdef void *_memory
    cdef Py_ssize_t _num_channels
    cdef bint _busy

    def __cinit__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels):
        if not csrc.LKU_LOUDNESS_MIN_RATE <= sample_rate <= csrc.LKU_LOUDNESS_MAX_RATE:
            raise ValueError(f"sample_rate: expected {MIN_RATE} to {MAX_RATE}, got {sample_rate}")
        if not 1 <= num_channels <= csrc.LKU_LOUDNESS_MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {MAX_CHANNELS}, got {num_channels}")
        self._memory = PyMem_Malloc(csrc.lku_loudness_num_bytes(num_channels))
        if self._memory is NULL:
            raise MemoryError()
        self._num_channels = num_channels
        self._state = csrc.lku_loudness_init(self._memory, sample_rate, num_channels)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    cdef int _check_free(self) except -1:
        if self._busy:
            raise RuntimeError("expected one thread at a time, got a call during another's")
        return 0

    def push(self, data):
        """Takes int16 samples of all channels."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_s16(data, &view)
        try:
            self._check(num_samples)
            self._busy = True  # other threads see this only while the GIL is released
            released = release_gil_if(num_samples >= LONG)
            csrc.lku_loudness_push_s16(SIMD, self._state, <const csrc.lku_s16 *>view.buf,
                                       num_samples // self._num_channels)
            restore_gil(released)
            self._busy = False
        finally:
            PyBuffer_Release(&view)

    def push_f32(self, data):
        """Takes float32 samples of all channels, with a full scale of 1.0. NaN is 0; above +60 dB is +60 dB."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_f32(data, &view, 0)
        try:
            self._check(num_samples)
            self._busy = True
            released = release_gil_if(num_samples >= LONG)
            csrc.lku_loudness_push_f32(SIMD, self._state, <const csrc.lku_f32 *>view.buf,
                                       num_samples // self._num_channels)
            restore_gil(released)
            self._busy = False
        finally:
            PyBuffer_Release(&view)

    cdef int _check(self, Py_ssize_t num_samples) except -1:
        if num_samples % self._num_channels:
            raise uneven(num_samples, self._num_channels)
        return self._check_free()

    def reset(self):
        """Begins a new stream."""
        self._check_free()
        csrc.lku_loudness_reset(self._state)

    @property
    def momentary(self):
        """Of the last 400 ms, in LUFS."""
        self._check_free()
        return csrc.lku_loudness_recent(self._state, csrc.LKU_LOUDNESS_MOMENTARY)

    @property
    def short_term(self):
        """Of the last 3 s, in LUFS."""
        self._check_free()
        return csrc.lku_loudness_recent(self._state, csrc.LKU_LOUDNESS_SHORT_TERM)

    @property
    def integrated(self):
        """Of the whole stream, in LUFS."""
        self._check_free()
        return csrc.lku_loudness_integrated(self._state)

    @property
    def range(self):
        """Of the short-term loudness, in LU."""
        self._check_free()
        return csrc.lku_loudness_range(self._state)

    @property
    def true_peak(self):
        """In dBTP."""
        self._check_free()
        return csrc.lku_loudness_true_peak(self._state)
