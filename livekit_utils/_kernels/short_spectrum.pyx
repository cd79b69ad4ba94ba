"""ShortSpectrum computes spectra of 20 ms, every 10 ms; see csrc/short_spectrum.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_WRITABLE, PyBuffer_Release, borrow_numbers, borrow_s16

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef class ShortSpectrum:
    """Computes bins of the spectra of a microphone, of what was made of it, and of a reference.

    Args:
        num_channels: Of each, interleaved; 1 to 1024. The mean of the reference's channels counts.
        samples_per_channel: Of a block; 1 to 65536.
        bins: The bins to compute, 1 to 1024 numbers from 0 to `samples_per_channel`.
    """

    cdef csrc.lku_short_spectrum _state
    cdef Py_ssize_t _num_values, _num_numbers
    cdef float *_memory
    cdef size_t *_bins

    def __cinit__(self, Py_ssize_t num_channels, Py_ssize_t samples_per_channel, bins):
        cdef Py_ssize_t num_bins = len(bins), index
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        if not 1 <= samples_per_channel <= 65536:
            raise ValueError(f"samples_per_channel: expected 1 to 65536, got {samples_per_channel}")
        if not 1 <= num_bins <= 1024:
            raise ValueError(f"bins: expected 1 to 1024, got {num_bins}")
        cdef size_t num_floats = csrc.lku_short_spectrum_num_floats(num_channels, samples_per_channel, num_bins)
        self._memory = <float *>PyMem_Calloc(num_floats, sizeof(float))
        self._bins = <size_t *>PyMem_Calloc(num_bins, sizeof(size_t))
        if self._memory is NULL or self._bins is NULL:
            raise MemoryError()
        for index in range(num_bins):
            number = bins[index]
            if not 0 <= number <= samples_per_channel:
                raise ValueError(f"bins: expected 0 to {samples_per_channel}, got {number}")
            self._bins[index] = number
        self._num_values = num_channels * samples_per_channel
        self._num_numbers = 2 * (2 * num_channels + 1) * num_bins
        csrc.lku_short_spectrum_init(&self._state, num_channels, samples_per_channel, self._bins, num_bins,
                                     self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)
        PyMem_Free(self._bins)

    def push(self, mic, out, ref, spectra):
        """Takes a block of each, and writes the spectra of the last two blocks.

        Args:
            mic, out, ref: Interleaved int16 samples.
            spectra: A writable float32 buffer, real and imaginary parts in turn: a row for each channel of `mic`, then of
                `out`, and one of `ref`.
        """
        cdef Py_buffer views[4]
        cdef int count = 0
        try:
            for data in (mic, out, ref):
                num_values = borrow_s16(data, &views[count])
                count += 1
                if num_values != self._num_values:
                    raise ValueError(f"expected {self._num_values} samples, got {num_values}")
            borrow_numbers(spectra, &views[count], PyBUF_WRITABLE, self._num_numbers)
            count += 1
            csrc.lku_short_spectrum_push(SIMD, &self._state, <const csrc.lku_s16 *>views[0].buf,
                                         <const csrc.lku_s16 *>views[1].buf, <const csrc.lku_s16 *>views[2].buf,
                                         <csrc.lku_f32 *>views[3].buf)
        finally:
            while count:
                count -= 1
                PyBuffer_Release(&views[count])
