"""UpperBand adds what lies above the band of an echo canceller; see csrc/upper_band.h."""
from cpython.mem cimport PyMem_Calloc, PyMem_Free

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBUF_WRITABLE, PyBuffer_Release, borrow_numbers, borrow_s16

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef class UpperBand:
    """Lowers the upper band of a microphone as much as a canceller lowers the top of the low band, or more.

    Args:
        num_channels: 1 to 1024.
        low_per_channel: Samples of a block of the low band, 4 to 65536.
        samples_per_channel: Samples of a block of the microphone, 4 to 65536.
        num_bins: Bins of a spectrum, 1 to 65536.
        first_bin: The first bin of the upper band, 0 to num_bins.
    """

    cdef csrc.lku_upper_band _state
    cdef csrc.lku_upper_channel *_memory

    def __cinit__(self, Py_ssize_t num_channels, Py_ssize_t low_per_channel, Py_ssize_t samples_per_channel,
                  Py_ssize_t num_bins, Py_ssize_t first_bin):
        if not 1 <= num_channels <= 1024:
            raise ValueError(f"num_channels: expected 1 to 1024, got {num_channels}")
        for size in (low_per_channel, samples_per_channel):
            if not <Py_ssize_t>csrc.LKU_UPPER_PARTS <= size <= 65536:
                raise ValueError(f"expected {csrc.LKU_UPPER_PARTS} to 65536 samples per channel, got {size}")
        if not 1 <= num_bins <= 65536:
            raise ValueError(f"num_bins: expected 1 to 65536, got {num_bins}")
        if not 0 <= first_bin <= num_bins:
            raise ValueError(f"first_bin: expected 0 to {num_bins}, got {first_bin}")
        self._memory = <csrc.lku_upper_channel *>PyMem_Calloc(num_channels, sizeof(csrc.lku_upper_channel))
        if self._memory is NULL:
            raise MemoryError()
        self._state.num_channels, self._state.num_bins = num_channels, num_bins
        self._state.low_per_channel, self._state.samples_per_channel = low_per_channel, samples_per_channel
        self._state.first_bin = first_bin
        csrc.lku_upper_band_init(&self._state, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    def listen(self, before, after, mic, echo):
        """Finds the gains of a block.

        Args:
            before, after: Buffers of interleaved int16 samples: what the canceller was given, delayed as much as it
                delays, and what it has made of it.
            mic: A float32 buffer of `num_channels` rows of `num_bins` numbers, real and imaginary parts in turn: the
                spectrum of the microphone.
            echo: A float32 buffer of `num_channels` rows of `num_bins` powers: the echo in it. None if there is none.
        """
        cdef Py_buffer before_view, after_view, mic_view, echo_view
        cdef Py_ssize_t row = self._state.num_channels * self._state.num_bins
        cdef Py_ssize_t num_values = self._state.num_channels * self._state.low_per_channel
        cdef bint has_echo = echo is not None
        borrow_block(before, &before_view, num_values)
        try:
            borrow_block(after, &after_view, num_values)
            try:
                borrow_numbers(mic, &mic_view, 0, 2 * row)
                try:
                    if has_echo:
                        borrow_numbers(echo, &echo_view, 0, row)
                    csrc.lku_upper_band_listen(&self._state, <const csrc.lku_s16 *>before_view.buf,
                                               <const csrc.lku_s16 *>after_view.buf, <const csrc.lku_f32 *>mic_view.buf,
                                               <const csrc.lku_f32 *>echo_view.buf if has_echo else NULL)
                    if has_echo:
                        PyBuffer_Release(&echo_view)
                finally:
                    PyBuffer_Release(&mic_view)
            finally:
                PyBuffer_Release(&after_view)
        finally:
            PyBuffer_Release(&before_view)

    def add(self, mic, low, out):
        """Adds the upper band to a block, in place.

        Args:
            mic, low: Buffers of interleaved int16 samples: the microphone, and the low band of it before the canceller.
            out: A writable buffer of as many, which may not overlap them: the low band after the canceller.
        """
        cdef Py_buffer mic_view, low_view, out_view
        cdef Py_ssize_t num_values = self._state.num_channels * self._state.samples_per_channel
        borrow_block(mic, &mic_view, num_values)
        try:
            borrow_block(low, &low_view, num_values)
            try:
                borrow_block(out, &out_view, num_values)
                try:
                    if out_view.readonly:
                        raise ValueError("expected a writable buffer, got a read-only one")
                    csrc.lku_upper_band_add(SIMD, &self._state, <const csrc.lku_s16 *>mic_view.buf,
                                            <const csrc.lku_s16 *>low_view.buf, <csrc.lku_s16 *>out_view.buf)
                finally:
                    PyBuffer_Release(&out_view)
            finally:
                PyBuffer_Release(&low_view)
        finally:
            PyBuffer_Release(&mic_view)


cdef int borrow_block(data, Py_buffer *view, Py_ssize_t expected) except -1:
    """Borrows a block of so many samples."""
    cdef Py_ssize_t num_values = borrow_s16(data, view)
    if num_values != expected:
        PyBuffer_Release(view)
        raise ValueError(f"expected {expected} samples, got {num_values}")
    return 0
