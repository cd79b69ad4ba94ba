"""Limiter keeps the sum of a mix at or below a ceiling; see csrc/limiter.h."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Calloc, PyMem_Free
from libc.stdint cimport int32_t, int64_t

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_FULL_RO, PyBuffer_Release, PyObject_GetBuffer
from livekit_utils._kernels.borrow cimport is_contiguous, is_format, uneven

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef class Limiter:
    """A look-ahead peak limiter for one mix, all of whose channels have the same gain.

    Args:
        num_channels: 1 to 128.
        ceiling: The greatest absolute value of a sample, 32 to 32768 (which is full scale: nothing but saturation).
        look_ahead: Samples per channel, 1 to 4096; the output is `look_ahead` - 1 late.
        release: Samples per channel in which a reduction falls to 1/e, above 0.
    """

    def __cinit__(self, Py_ssize_t num_channels, Py_ssize_t ceiling, Py_ssize_t look_ahead, double release):
        if not 1 <= num_channels <= <Py_ssize_t>csrc.LKU_MIX_MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {csrc.LKU_MIX_MAX_CHANNELS}, got {num_channels}")
        if not csrc.LKU_LIMITER_MIN_CEILING <= ceiling <= 32768:
            raise ValueError(f"ceiling: expected {csrc.LKU_LIMITER_MIN_CEILING} to 32768, got {ceiling}")
        if not 1 <= look_ahead <= csrc.LKU_LIMITER_MAX_LOOK_AHEAD:
            raise ValueError(f"look_ahead: expected 1 to {csrc.LKU_LIMITER_MAX_LOOK_AHEAD}, got {look_ahead}")
        if not 1.0 <= release < 1e12:
            raise ValueError(f"release: expected a number from 1, got {release}")
        self._memory = <int32_t *>PyMem_Calloc(csrc.lku_limiter_num_values(num_channels, look_ahead), sizeof(int32_t))
        if self._memory is NULL:
            raise MemoryError()
        csrc.lku_limiter_init(&self._state, num_channels, <int32_t>ceiling, look_ahead, release, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    @property
    def num_channels(self):
        return <Py_ssize_t>self._state.num_channels

    @property
    def delay(self):
        """Samples per channel by which the output is later."""
        return <Py_ssize_t>self._state.look_ahead - 1

    @property
    def num_held(self):
        """Samples per channel that have gone in and not come out: 0 before the first call, then `delay`, unless
        `drain` has let them out."""
        return self._num_held

    @property
    def least_gain(self):
        """The least gain in the last call, as a factor from 0 to 1."""
        return 1.0 - self._state.most / <double>csrc.LKU_LIMITER_UNITY

    def process(self, sums):
        """Returns int16 samples for a buffer of interleaved int64 sums, which have 24 fractional bits."""
        cdef Py_buffer view
        cdef Py_ssize_t num_values
        PyObject_GetBuffer(sums, &view, PyBUF_FULL_RO)
        try:
            if not is_format(&view, b'q', 8) and not is_format(&view, b'l', 8):
                raise TypeError("expected int64 sums")
            if not is_contiguous(&view):
                raise ValueError("expected a C-contiguous buffer, got a strided one")
            num_values = view.len >> 3
            if num_values % self._state.num_channels:
                raise uneven(num_values, self._state.num_channels)
            result = PyByteArray_FromStringAndSize(NULL, num_values * 2)
            self.limit(<const int64_t *>view.buf, num_values // <Py_ssize_t>self._state.num_channels,
                       <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        finally:
            PyBuffer_Release(&view)
        return result

    cdef void limit(self, const int64_t *sums, Py_ssize_t samples_per_channel, csrc.lku_s16 *out) noexcept:
        csrc.lku_limiter_s16(SIMD, &self._state, sums, samples_per_channel, out)
        if samples_per_channel:
            self._num_held = self._state.look_ahead - 1

    def drained(self, Py_ssize_t samples_per_channel):
        """Returns the next samples, with silence going in: what is held comes out, at the end of a mix."""
        cdef int64_t *silence
        cdef Py_ssize_t num_values = samples_per_channel * <Py_ssize_t>self._state.num_channels
        if not 0 <= samples_per_channel <= 0x7FFFFFFF:
            raise ValueError(f"samples_per_channel: expected 0 to {0x7FFFFFFF}, got {samples_per_channel}")
        silence = <int64_t *>PyMem_Calloc(max(num_values, 1), sizeof(int64_t))
        if silence is NULL:
            raise MemoryError()
        try:
            result = PyByteArray_FromStringAndSize(NULL, num_values * 2)
            csrc.lku_limiter_s16(SIMD, &self._state, silence, samples_per_channel,
                                 <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        finally:
            PyMem_Free(silence)
        self._num_held = max(0, self._num_held - samples_per_channel)
        return result
