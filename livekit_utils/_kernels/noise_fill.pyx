"""NoiseFill makes the noise that is missing in the output of an echo canceller; see csrc/noise_fill.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_WRITABLE, PyBuffer_Release, borrow_numbers


cdef class NoiseFill:
    """Finds what is missing of a room's noise, and makes spectra of as much noise.

    Args:
        num_channels: Channels of the microphone, 1 to 1024.
        places: Where each bin of the spectra that are compared lies in the spectra that are made: 2 to 1024 numbers, each
            above the one before; the last one is that of the last bin.
        scale: Amplitude for a power of 1.
    """

    cdef csrc.lku_noise_fill _state
    cdef Py_ssize_t _num_channels, _num_bins, _num_places
    cdef float *_memory
    cdef size_t *_places
    cdef float _scale

    def __cinit__(self, Py_ssize_t num_channels, places, float scale):
        cdef Py_ssize_t num_bins = len(places), place, last = -1
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        if not 2 <= num_bins <= 1024:
            raise ValueError(f"places: expected 2 to 1024, got {num_bins}")
        cdef size_t num_floats = csrc.lku_noise_fill_num_floats(num_channels, num_bins)
        self._memory = <float *>PyMem_Calloc(num_floats, sizeof(float))
        self._places = <size_t *>PyMem_Calloc(num_bins, sizeof(size_t))
        if self._memory is NULL or self._places is NULL:
            raise MemoryError()
        for bin in range(num_bins):
            place = places[bin]
            if not last < place < 0x7FFFFFFF:
                raise ValueError(f"places: expected each above the one before, got {place} after {last}")
            self._places[bin] = last = place
        self._num_channels, self._num_bins, self._num_places, self._scale = num_channels, num_bins, last + 1, scale
        csrc.lku_noise_fill_init(&self._state, num_channels, num_bins, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)
        PyMem_Free(self._places)

    def push(self, mic, out, noise):
        """Takes the spectra of a block; returns whether noise that can be heard is missing in it.

        Args:
            mic, out: float32 buffers of `num_channels` rows, real and imaginary parts in turn: the microphone's and the
                canceller's.
            noise: A float32 buffer of `num_channels` rows of powers: the room's.
        """
        cdef Py_buffer mic_view, out_view, noise_view
        cdef Py_ssize_t row = self._num_channels * self._num_bins
        cdef float missing
        borrow_numbers(mic, &mic_view, 0, 2 * row)
        try:
            borrow_numbers(out, &out_view, 0, 2 * row)
            try:
                borrow_numbers(noise, &noise_view, 0, row)
                missing = csrc.lku_noise_fill_push(&self._state, <const csrc.lku_f32 *>mic_view.buf,
                                                   <const csrc.lku_f32 *>out_view.buf,
                                                   <const csrc.lku_f32 *>noise_view.buf)
                PyBuffer_Release(&noise_view)
            finally:
                PyBuffer_Release(&out_view)
        finally:
            PyBuffer_Release(&mic_view)
        return missing > csrc.LKU_FILL_LEAST

    def make(self, spectrum):
        """Writes a spectrum of the noise that is missing to a writable float32 buffer: `num_channels` rows, real and
        imaginary parts in turn."""
        cdef Py_buffer view
        borrow_numbers(spectrum, &view, PyBUF_WRITABLE, 2 * self._num_channels * self._num_places)
        csrc.lku_noise_fill_make(&self._state, self._places, self._scale, self._num_places,
                                 <csrc.lku_f32 *>view.buf)
        PyBuffer_Release(&view)
