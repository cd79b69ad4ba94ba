"""Converts the sample rate by a ratio that changes: a filter with a row of taps per distance, and streams through it."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport fabs
from libc.stdint cimport uintptr_t
from libc.string cimport memcpy

import cython

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_f32, borrow_s16, release_gil_if, restore_gil, uneven

from livekit_utils._kernels import simd as _simd

LANES = csrc.LKU_VARIABLE_LANES

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef enum:
    NOGIL_PRODUCTS = 0x80000  # multiplications, which take some tens of microseconds
    CACHE_LINE = 64
    MAX_CHANNELS = 128
    MAX_TAP = 65536  # sums of such products do not overflow a float32
    MAX_RATIO = 1024
    MAX_DISTANCE = 0x40000000


cdef csrc.lku_f32 *aligned(void *memory) noexcept:
    """Returns the start of the first whole cache line."""
    return <csrc.lku_f32 *>((<uintptr_t>memory + CACHE_LINE - 1) & ~<uintptr_t>(CACHE_LINE - 1))


cdef class VariableFilter:
    """A row of taps for each of `num_phases + 1` distances from 0 to 1 behind an input. Converters may share it.

    Args:
        taps: float32, up to 65536; rows of equal length, a multiple of `LANES` up to 65536.
        num_phases: 1 to 4096.
        look_ahead: Inputs that an output needs after the one before it; from 1, and fewer than a row has taps.
    """

    cdef csrc.lku_variable_filter _filter
    cdef void *_memory

    def __cinit__(self, taps, Py_ssize_t num_phases, Py_ssize_t look_ahead):
        cdef Py_buffer view
        cdef Py_ssize_t total, num_taps, i
        cdef double tap
        if not 1 <= num_phases <= <Py_ssize_t>csrc.LKU_VARIABLE_MAX_PHASES:
            raise ValueError(f"num_phases: expected 1 to {csrc.LKU_VARIABLE_MAX_PHASES}, got {num_phases}")
        total = borrow_f32(taps, &view, 0)
        try:
            num_taps = total // (num_phases + 1)
            if (total % (num_phases + 1) or num_taps % <Py_ssize_t>csrc.LKU_VARIABLE_LANES
                    or not 1 <= num_taps <= <Py_ssize_t>csrc.LKU_VARIABLE_MAX_TAPS):
                raise ValueError(f"expected {num_phases + 1} rows of a multiple of {LANES} taps, got {total} taps")
            if not 1 <= look_ahead < num_taps:
                raise ValueError(f"expected a look_ahead of 1 to {num_taps - 1}, got {look_ahead}")
            for i in range(total):
                tap = (<const csrc.lku_f32 *>view.buf)[i]
                if not fabs(tap) <= MAX_TAP:  # NaN fails the comparison too
                    raise ValueError(f"expected taps of up to {MAX_TAP}, got {tap}")
            self._memory = PyMem_Malloc(view.len + CACHE_LINE)
            if self._memory is NULL:
                raise MemoryError()
            memcpy(aligned(self._memory), view.buf, view.len)
        finally:
            PyBuffer_Release(&view)
        self._filter.taps = aligned(self._memory)
        self._filter.num_taps = num_taps
        self._filter.num_phases = num_phases
        self._filter.look_ahead = look_ahead

    def __dealloc__(self):
        PyMem_Free(self._memory)

    @property
    def look_ahead(self):
        return self._filter.look_ahead

    @property
    def num_taps(self):
        return self._filter.num_taps


# no_gc_clear: the state points into the filter until the converter is deallocated.
@cython.no_gc_clear
cdef class VariableConverter:
    """Sends one stream through a filter.

    Args:
        num_channels: 1 to 128.
        ratio: Outputs per input at first, above 0.
        max_ratio: No ratio is above this; up to 1024.

    Threads: one at a time; a call of another thread meanwhile is a RuntimeError.
    """

    cdef csrc.lku_variable _state
    cdef VariableFilter _filter
    cdef void *_memory
    cdef void *_ratios
    cdef Py_ssize_t _num_channels
    cdef double _max_ratio
    cdef bint _busy

    def __cinit__(self, VariableFilter filter not None, Py_ssize_t num_channels, double ratio, double max_ratio):
        if not 1 <= num_channels <= MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {MAX_CHANNELS}, got {num_channels}")
        if not 0 < max_ratio <= MAX_RATIO:
            raise ValueError(f"max_ratio: expected above 0, up to {MAX_RATIO}, got {max_ratio}")
        self._max_ratio = max_ratio
        self._check_ratio(ratio)
        self._filter = filter
        self._num_channels = num_channels
        self._memory = PyMem_Malloc(
            csrc.lku_variable_memory(&filter._filter, num_channels) * sizeof(csrc.lku_f32) + CACHE_LINE)
        self._ratios = PyMem_Malloc(csrc.lku_variable_ratios(&filter._filter) * sizeof(double))
        if self._memory is NULL or self._ratios is NULL:
            raise MemoryError()
        csrc.lku_variable_init(
            &self._state, &filter._filter, num_channels, aligned(self._memory), <double *>self._ratios, ratio)

    def __dealloc__(self):
        PyMem_Free(self._memory)
        PyMem_Free(self._ratios)

    cdef int _check_free(self) except -1:
        if self._busy:
            raise RuntimeError("expected one thread at a time, got a call during another's")
        return 0

    cdef int _check_ratio(self, double ratio) except -1:
        # A ratio above 0 that is much too small would make the rows meaningless, but nothing overflows.
        if not 0 < ratio <= self._max_ratio:
            raise ValueError(f"ratio: expected above 0, up to {self._max_ratio}, got {ratio}")
        return 0

    @property
    def ratio(self):
        """That of the next input."""
        return self._state.ratio

    def set_ratio(self, double ratio, Py_ssize_t ramp_length):
        """Moves the ratio in a straight line over the next `ramp_length` inputs."""
        self._check_free()
        self._check_ratio(ratio)
        if ramp_length < 0:
            raise ValueError(f"ramp_length: expected 0 or more, got {ramp_length}")
        csrc.lku_variable_set_ratio(&self._state, ratio, ramp_length)

    def reset(self, double distance=0.0):
        """Begins a stream whose first output lies `distance` outputs, from 0, behind the first input.

        A ramp is at its end.
        """
        self._check_free()
        if not 0 <= distance <= MAX_DISTANCE:
            raise ValueError(f"distance: expected 0 to {MAX_DISTANCE}, got {distance}")
        csrc.lku_variable_reset(&self._state, distance)

    def outputs_left(self):
        """Returns how many outputs lie between the next one and the end of what has come in; a fraction, or below 0."""
        self._check_free()
        return csrc.lku_variable_outputs_left(&self._state)

    def process(self, data):
        """Takes samples, and returns the outputs for which all input has come in."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_s16(data, &view), samples_per_channel, num_outputs
        cdef csrc.lku_s16 *out
        try:
            samples_per_channel = num_samples // self._num_channels
            if samples_per_channel * self._num_channels != num_samples:
                raise uneven(num_samples, self._num_channels)
            self._check_free()
            num_outputs = csrc.lku_variable_max_outputs(&self._state, samples_per_channel, self._max_ratio)
            result = PyByteArray_FromStringAndSize(NULL, num_outputs * self._num_channels * 2)
            out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
            self._busy = True  # other threads see this only while the GIL is released
            released = release_gil_if(
                num_outputs * self._num_channels * <Py_ssize_t>self._filter._filter.num_taps >= NOGIL_PRODUCTS)
            num_outputs = csrc.lku_variable_s16(
                SIMD, &self._state, <const csrc.lku_s16 *>view.buf, samples_per_channel, out)
            restore_gil(released)
            self._busy = False
        finally:
            PyBuffer_Release(&view)
        PyByteArray_Resize(result, num_outputs * self._num_channels * 2)
        return result
