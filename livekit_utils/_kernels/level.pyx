"""Measures how loud int16 samples are."""
from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16, release_gil_if, restore_gil

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


def level_s16(data):
    """Returns (largest absolute value, sum of the squares), both exact; full scale is 32768."""
    cdef csrc.lku_level level
    cdef Py_buffer view
    cdef Py_ssize_t n = borrow_s16(data, &view)
    released = release_gil_if(n >= NOGIL_SAMPLES)
    csrc.lku_level_s16(SIMD, <const csrc.lku_s16 *>view.buf, n, &level)
    restore_gil(released)
    PyBuffer_Release(&view)
    return level.peak, level.sum_squares
