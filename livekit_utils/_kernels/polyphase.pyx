"""Converts between two sample rates of a fixed ratio: a filter with a row of taps per phase, and streams through it."""
from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_IsContiguous, PyObject_GetBuffer
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int16_t, int32_t, uint32_t, uintptr_t
from libc.string cimport memcmp

import cython

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16, is_format, release_gil_if, restore_gil, uneven

from livekit_utils._kernels import simd as _simd

MAX_RATIO = csrc.LKU_POLYPHASE_MAX_RATIO
MIN_BITS = csrc.LKU_POLYPHASE_COARSE_BITS
MAX_BITS = csrc.LKU_POLYPHASE_MAX_BITS

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef enum:
    CACHE_LINE = 64
    MAX_CHANNELS = 128


cdef int16_t *aligned(void *memory) noexcept:
    """Returns the start of the first whole cache line."""
    return <int16_t *>((<uintptr_t>memory + CACHE_LINE - 1) & ~<uintptr_t>(CACHE_LINE - 1))


cdef Py_ssize_t borrow_taps(object data, Py_buffer *view) except -1:
    """Fills `view` and returns the number of taps. After an exception nothing is borrowed."""
    PyObject_GetBuffer(data, view, PyBUF_FULL_RO)
    if is_format(view, b'i', 4) and PyBuffer_IsContiguous(view, b'C'):
        return view.len >> 2
    is_whole = is_format(view, b'i', 4)
    PyBuffer_Release(view)
    raise (ValueError if is_whole else TypeError)("expected a C-contiguous buffer of int32 taps")


cdef class PolyphaseFilter:
    """A row of taps for each phase that an output may have between two inputs. Any number of converters may share it.

    Args:
        taps: int32, in units of `2^-fraction_bits`; `num_phases` rows of equal length, of more than
            `step / num_phases` taps. Each is up to 3, and those of a row are less than 6 together, without their
            signs.
        fraction_bits: From `MIN_BITS` to `MAX_BITS`.
        step: Input rate, up to `MAX_RATIO`.
        num_phases: Output rate, likewise.
        look_ahead: Inputs that an output needs after its own position; fewer than a row has taps.
    """

    def __cinit__(self, taps, Py_ssize_t fraction_bits, Py_ssize_t step, Py_ssize_t num_phases,
                  Py_ssize_t look_ahead):
        cdef Py_buffer view
        cdef Py_ssize_t total, num_taps
        cdef csrc.lku_polyphase_filter *filter = &self._filter
        cdef uint32_t *scratch = NULL
        for rate in (step, num_phases):
            if not 1 <= rate <= <Py_ssize_t>csrc.LKU_POLYPHASE_MAX_RATIO:
                raise ValueError(f"expected a rate of 1 to {MAX_RATIO}, got {rate}")
        if not <Py_ssize_t>csrc.LKU_POLYPHASE_COARSE_BITS <= fraction_bits <= <Py_ssize_t>csrc.LKU_POLYPHASE_MAX_BITS:
            raise ValueError(f"expected {MIN_BITS} to {MAX_BITS} fraction_bits, got {fraction_bits}")
        total = borrow_taps(taps, &view)
        try:
            num_taps = total // num_phases
            if total % num_phases or not step // num_phases < num_taps <= <Py_ssize_t>csrc.LKU_POLYPHASE_MAX_TAPS:
                raise ValueError(f"expected {num_phases} rows of more than {step // num_phases} taps, got {total} taps")
            if not 0 <= look_ahead < num_taps:
                raise ValueError(f"expected a look_ahead of 0 to {num_taps - 1}, got {look_ahead}")
            filter.num_taps = num_taps
            filter.num_phases = num_phases
            filter.step = step
            filter.look_ahead = look_ahead
            filter.fraction_bits = fraction_bits
            csrc.lku_polyphase_measure(filter)
            self._fine = <csrc.lku_polyphase_run *>PyMem_Malloc(filter.num_steps * sizeof(csrc.lku_polyphase_run))
            self._inputs = <uint32_t *>PyMem_Malloc(filter.num_quads * sizeof(uint32_t))
            scratch = <uint32_t *>PyMem_Malloc((filter.num_steps + 8 * filter.num_quads) * sizeof(uint32_t))
            if self._fine is NULL or self._inputs is NULL or scratch is NULL:
                raise MemoryError()
            if not csrc.lku_polyphase_cut(filter, <const int32_t *>view.buf, self._fine, scratch):
                raise ValueError("expected taps of up to 3, and of less than 6 in a row")
            self._memory = PyMem_Malloc(filter.num_quads * filter.num_values * sizeof(int16_t) + CACHE_LINE)
            if self._memory is NULL:
                raise MemoryError()
            csrc.lku_polyphase_arrange(filter, <const int32_t *>view.buf, aligned(self._memory), self._inputs)
        finally:
            PyMem_Free(scratch)
            PyBuffer_Release(&view)

    def __dealloc__(self):
        PyMem_Free(self._memory)
        PyMem_Free(self._fine)
        PyMem_Free(self._inputs)

    @property
    def look_ahead(self):
        return self._filter.look_ahead

    @property
    def num_taps(self):
        return self._filter.num_taps


# no_gc_clear: the state points into the filter until the converter is deallocated.
@cython.no_gc_clear
cdef class PolyphaseConverter:
    """Sends one stream through a filter.

    Threads: one at a time; a call of another thread meanwhile is a RuntimeError.
    """

    def __cinit__(self, PolyphaseFilter filter not None, Py_ssize_t num_channels):
        if not 1 <= num_channels <= MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {MAX_CHANNELS}, got {num_channels}")
        self._filter = filter
        self._num_channels = num_channels
        self._memory = PyMem_Malloc(
            csrc.lku_polyphase_memory(&filter._filter, num_channels) * sizeof(int16_t) + CACHE_LINE)
        if self._memory is NULL:
            raise MemoryError()
        csrc.lku_polyphase_init(&self._state, &filter._filter, num_channels, aligned(self._memory))

    def __dealloc__(self):
        PyMem_Free(self._memory)

    cdef int _check_free(self) except -1:
        if self._busy:
            raise RuntimeError("expected one thread at a time, got a call during another's")
        return 0

    def reset(self):
        self._check_free()
        csrc.lku_polyphase_reset(&self._state)

    def recent(self):
        """Returns the input that the next output still reaches back to, and what came in after it."""
        cdef Py_ssize_t start = csrc.lku_polyphase_start(&self._state), n = self._state.end - start, channel, i
        cdef const int16_t *values
        cdef csrc.lku_s16 *out
        self._check_free()
        result = PyByteArray_FromStringAndSize(NULL, n * self._num_channels * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        for channel in range(self._num_channels):
            values = self._state.memory + channel * self._state.capacity + start
            for i in range(n):
                out[i * self._num_channels + channel] = values[i]
        return result

    def goes_on_like(self, PolyphaseConverter other not None):
        """Returns whether both give the same from now on: they have one filter, are at the same of its phases, and
        reach back to the same input.
        """
        cdef csrc.lku_polyphase *mine = &self._state
        cdef csrc.lku_polyphase *others = &other._state
        cdef Py_ssize_t my_start = csrc.lku_polyphase_start(mine), others_start = csrc.lku_polyphase_start(others)
        cdef Py_ssize_t n = mine.end - my_start, channel
        cdef size_t num_phases = self._filter._filter.num_phases
        if (self._filter is not other._filter or self._num_channels != other._num_channels or self._busy or other._busy
                or mine.row % num_phases != others.row % num_phases
                or n != <Py_ssize_t>others.end - others_start):
            return False
        for channel in range(self._num_channels):
            if memcmp(mine.memory + channel * mine.capacity + my_start,
                      others.memory + channel * others.capacity + others_start, n * sizeof(int16_t)):
                return False
        return True

    cdef Py_ssize_t num_outputs(self, Py_ssize_t samples_per_channel) noexcept:
        """How many samples per channel the next call would give for so many."""
        return csrc.lku_polyphase_num_outputs(&self._state, samples_per_channel)

    cdef int convert(self, const csrc.lku_s16 *samples, Py_ssize_t samples_per_channel, csrc.lku_s16 *out) except -1:
        """Does as `process`, into memory with room for `num_outputs`, without releasing the GIL."""
        self._check_free()
        csrc.lku_polyphase_s16(SIMD, &self._state, samples, samples_per_channel, out)
        return 0

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
            num_outputs = csrc.lku_polyphase_num_outputs(&self._state, samples_per_channel) * self._num_channels
            result = PyByteArray_FromStringAndSize(NULL, num_outputs * 2)
            out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
            self._busy = True  # other threads see this only while the GIL is released
            released = release_gil_if(num_outputs * <Py_ssize_t>self._filter._filter.num_taps >= NOGIL_PRODUCTS)
            csrc.lku_polyphase_s16(SIMD, &self._state, <const csrc.lku_s16 *>view.buf, samples_per_channel, out)
            restore_gil(released)
            self._busy = False
            return result
        finally:
            PyBuffer_Release(&view)
