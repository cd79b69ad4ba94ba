"""NoiseFloor follows the noise of a room; see csrc/noise_floor.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_WRITABLE, PyBuffer_Release, borrow_numbers


cdef class NoiseFloor:
    """Measures the noise of a room in each bin of spectra that come every 10 ms.

    Args:
        num_channels: Channels of the microphone, 1 to 1024.
        num_bins: Bins of a spectrum, 1 to 1024.
    """

    cdef csrc.lku_noise_floor _state
    cdef Py_ssize_t _num_channels, _num_bins
    cdef float *_memory

    def __cinit__(self, Py_ssize_t num_channels, Py_ssize_t num_bins):
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        if not 1 <= num_bins <= 1024:
            raise ValueError(f"num_bins: expected 1 to 1024, got {num_bins}")
        cdef size_t num_floats = csrc.lku_noise_floor_num_floats(num_channels, num_bins)
        self._memory = <float *>PyMem_Calloc(num_floats, sizeof(float))
        if self._memory is NULL:
            raise MemoryError()
        self._num_channels, self._num_bins = num_channels, num_bins
        csrc.lku_noise_floor_init(&self._state, num_channels, num_bins, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    def push(self, mic, echo, noise):
        """Takes the spectra of a block, and updates the power of the noise.

        Args:
            mic: A float32 buffer of `num_channels` rows, real and imaginary parts in turn.
            echo: A float32 buffer of `num_channels` rows of powers: the echo in it. None if there is none.
            noise: A writable float32 buffer of as many powers: what this method wrote to it before; zeros at first.
        """
        cdef Py_buffer mic_view, echo_view, noise_view
        cdef Py_ssize_t row = self._num_channels * self._num_bins
        cdef bint has_echo = echo is not None
        borrow_numbers(mic, &mic_view, 0, 2 * row)
        try:
            if has_echo:
                borrow_numbers(echo, &echo_view, 0, row)
            try:
                borrow_numbers(noise, &noise_view, PyBUF_WRITABLE, row)
                csrc.lku_noise_floor_push(&self._state, <const csrc.lku_f32 *>mic_view.buf,
                                          <const csrc.lku_f32 *>echo_view.buf if has_echo else NULL,
                                          <csrc.lku_f32 *>noise_view.buf)
                PyBuffer_Release(&noise_view)
            finally:
                if has_echo:
                    PyBuffer_Release(&echo_view)
        finally:
            PyBuffer_Release(&mic_view)
