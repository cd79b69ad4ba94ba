"""OverlapAdd adds sound that is given as spectra; see csrc/overlap_add.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_WRITABLE, PyBuffer_Release, borrow_numbers, borrow_s16

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef class OverlapAdd:
    """Adds the sound of spectra to blocks of interleaved samples, in place.

    Args:
        num_channels: 1 to 1024.
        samples_per_channel: Of a block; 1 to 65536.
    """

    cdef csrc.lku_overlap_add _state
    cdef Py_ssize_t _num_values, _num_numbers
    cdef float *_memory

    def __cinit__(self, Py_ssize_t num_channels, Py_ssize_t samples_per_channel):
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        if not 1 <= samples_per_channel <= 65536:
            raise ValueError(f"samples_per_channel: expected 1 to 65536, got {samples_per_channel}")
        cdef size_t num_floats = csrc.lku_overlap_add_num_floats(num_channels, samples_per_channel)
        self._memory = <float *>PyMem_Calloc(num_floats, sizeof(float))
        if self._memory is NULL:
            raise MemoryError()
        self._num_values = num_channels * samples_per_channel
        self._num_numbers = 2 * num_channels * (samples_per_channel + 1)
        csrc.lku_overlap_add_init(&self._state, num_channels, samples_per_channel, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    def push(self, spectrum, samples):
        """Adds the first half of a spectrum's sound to a block, and the second half of that before.

        Args:
            spectrum: A float32 buffer of `num_channels` rows of `samples_per_channel` + 1 numbers, real and imaginary
                parts in turn. None is silence.
            samples: A writable buffer of interleaved int16 samples.
        """
        cdef Py_buffer view, spectrum_view
        cdef Py_ssize_t num_values = borrow_s16(samples, &view)
        cdef bint has_spectrum = spectrum is not None
        try:
            if view.readonly:
                raise ValueError("expected a writable buffer, got a read-only one")
            if num_values != self._num_values:
                raise ValueError(f"expected {self._num_values} samples, got {num_values}")
            if has_spectrum:
                borrow_numbers(spectrum, &spectrum_view, 0, self._num_numbers)
            csrc.lku_overlap_add_push(SIMD, &self._state,
                                      <const csrc.lku_f32 *>spectrum_view.buf if has_spectrum else NULL,
                                      <csrc.lku_s16 *>view.buf)
            if has_spectrum:
                PyBuffer_Release(&spectrum_view)
        finally:
            PyBuffer_Release(&view)
