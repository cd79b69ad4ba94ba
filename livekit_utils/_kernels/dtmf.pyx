"""Dtmf detects the digits of a telephone's keypad in a stream of mono samples."""
from cpython.mem cimport PyMem_Free, PyMem_Malloc

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_f32, borrow_s16
from livekit_utils._kernels.borrow cimport release_gil_if, restore_gil

from livekit_utils._kernels import simd as _simd

MIN_RATE = csrc.LKU_DTMF_MIN_RATE
MAX_RATE = csrc.LKU_DTMF_MAX_RATE

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef class Dtmf:
    """Follows one stream.

    A digit is (4 * row + column, first sample, number of samples).

    Args:
        sample_rate: Hz, from `MIN_RATE` to `MAX_RATE`.

    Threads: one at a time; a call of another thread meanwhile is a RuntimeError.
    """

    cdef csrc.lku_dtmf _state
    cdef float *_memory
    cdef bint _busy

    def __cinit__(self, Py_ssize_t sample_rate):
        if not csrc.LKU_DTMF_MIN_RATE <= sample_rate <= csrc.LKU_DTMF_MAX_RATE:
            raise ValueError(f"sample_rate: expected {MIN_RATE} to {MAX_RATE}, got {sample_rate}")
        self._memory = <float *>PyMem_Malloc(csrc.lku_dtmf_memory(sample_rate) * sizeof(float))
        if self._memory is NULL:
            raise MemoryError()
        csrc.lku_dtmf_init(&self._state, sample_rate, self._memory)

    def __dealloc__(self):
        PyMem_Free(self._memory)

    cdef int _check_free(self) except -1:
        if self._busy:
            raise RuntimeError("expected one thread at a time, got a call during another's")
        return 0

    def push(self, data):
        """Takes samples, and returns the digits that have ended."""
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_s16(data, &view), taken = 0
        cdef csrc.lku_dtmf_digit found
        cdef list digits = []
        try:
            self._check_free()
            while taken < num_samples:
                self._busy = True  # other threads see this only while the GIL is released
                released = release_gil_if(num_samples - taken >= NOGIL_SAMPLES)
                taken += csrc.lku_dtmf_push(SIMD, &self._state, <const csrc.lku_s16 *>view.buf + taken,
                                            num_samples - taken, &found)
                restore_gil(released)
                self._busy = False
                if found.digit >= 0:
                    digits.append((found.digit, found.start, found.duration))
        finally:
            PyBuffer_Release(&view)
        return digits

    def flush(self):
        """Ends the stream, and returns the digits that end with it. The next push begins a new stream."""
        cdef csrc.lku_dtmf_digit found[2]
        self._check_free()
        cdef size_t i, num_found = csrc.lku_dtmf_flush(SIMD, &self._state, found)
        return [(found[i].digit, found[i].start, found[i].duration) for i in range(num_found)]

    def reset(self):
        """Drops what has come in. The next push begins a new stream."""
        self._check_free()
        csrc.lku_dtmf_reset(&self._state)

    @property
    def window(self):
        """Samples of a window."""
        return 2 * self._state.half

    def measure(self, data):
        """Returns the measurement of one window of float32 samples: (real parts, imaginary parts, mean square)."""
        cdef csrc.lku_dtmf_window measured
        cdef Py_buffer view
        cdef Py_ssize_t num_samples = borrow_f32(data, &view, 0)
        try:
            if num_samples != self.window:
                raise ValueError(f"expected {self.window} samples, got {num_samples}")
            self._check_free()
            csrc.lku_dtmf_measure(SIMD, &self._state, <const float *>view.buf, &measured)
        finally:
            PyBuffer_Release(&view)
        return ([measured.re[k] for k in range(csrc.LKU_DTMF_TONES)],
                [measured.im[k] for k in range(csrc.LKU_DTMF_TONES)], measured.mean_square)
