"""EchoPower estimates the power of an echo in a microphone's sound; see csrc/echo_power.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_WRITABLE, PyBuffer_Release, borrow_numbers

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef class EchoPower:
    """Learns the gain of an echo at each delay up to 600 ms, in each bin of spectra that come every 10 ms.

    Args:
        num_channels: Channels of the microphone, 1 to 1024.
        num_bins: Bins of a spectrum, a multiple of 8 up to 1024.
    """

    cdef csrc.lku_echo_power _state
    cdef Py_ssize_t _num_channels, _num_bins
    cdef void *_memory

    def __cinit__(self, Py_ssize_t num_channels, Py_ssize_t num_bins):
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        if not 1 <= num_bins <= 1024 or num_bins % <Py_ssize_t>csrc.LKU_ECHO_GROUP:
            raise ValueError(f"num_bins: expected a multiple of {csrc.LKU_ECHO_GROUP} up to 1024, got {num_bins}")
        self._memory = PyMem_Calloc(csrc.lku_echo_power_num_bytes(num_channels, num_bins), 1)
        if self._memory is NULL:
            raise MemoryError()
        self._num_channels, self._num_bins = num_channels, num_bins
        csrc.lku_echo_power_init(&self._state, num_channels, num_bins, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    def forget(self):
        """Starts over with learning, because the delay has changed."""
        csrc.lku_echo_power_forget(&self._state)

    def push(self, mic, ref, echo):
        """Takes the spectra of a block, and writes the power of the echo in it.

        Args:
            mic, ref: float32 buffers, real and imaginary parts in turn: `num_channels` rows of the microphone, and one
                of the reference.
            echo: A writable float32 buffer of `num_channels` rows of `num_bins` powers.
        """
        cdef Py_buffer mic_view, ref_view, echo_view
        cdef Py_ssize_t row = self._num_channels * self._num_bins
        borrow_numbers(mic, &mic_view, 0, 2 * row)
        try:
            borrow_numbers(ref, &ref_view, 0, 2 * self._num_bins)
            try:
                borrow_numbers(echo, &echo_view, PyBUF_WRITABLE, row)
                csrc.lku_echo_power_push(SIMD, &self._state, <const csrc.lku_f32 *>mic_view.buf,
                                         <const csrc.lku_f32 *>ref_view.buf, <csrc.lku_f32 *>echo_view.buf)
                PyBuffer_Release(&echo_view)
            finally:
                PyBuffer_Release(&ref_view)
        finally:
            PyBuffer_Release(&mic_view)
