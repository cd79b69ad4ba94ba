"""Converts int16 samples to float32 and back: full scale is 32768; the way back rounds to nearest and saturates."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBUF_WRITABLE, PyBuffer_Release, borrow_f32, borrow_s16
from livekit_utils._kernels.borrow cimport release_gil_if, restore_gil

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


def s16_to_f32(data, out):
    """Writes the samples of `data` to `out`, a writable float32 buffer with room for all; returns how many."""
    cdef Py_buffer source, target
    cdef Py_ssize_t n = borrow_s16(data, &source), room
    try:
        room = borrow_f32(out, &target, PyBUF_WRITABLE)
        try:
            if room < n:
                raise ValueError(f"expected room for {n} samples, got {room}")
            released = release_gil_if(n >= NOGIL_SAMPLES)
            csrc.lku_s16_to_f32(SIMD, <const csrc.lku_s16 *>source.buf, n, <csrc.lku_f32 *>target.buf)
            restore_gil(released)
        finally:
            PyBuffer_Release(&target)
    finally:
        PyBuffer_Release(&source)
    return n


def f32_to_s16(data):
    """Returns float32 samples as int16."""
    cdef Py_buffer source
    cdef Py_ssize_t n = borrow_f32(data, &source, 0)
    cdef csrc.lku_s16 *out
    try:
        result = PyByteArray_FromStringAndSize(NULL, n * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(n >= NOGIL_SAMPLES)
        csrc.lku_f32_to_s16(SIMD, <const csrc.lku_f32 *>source.buf, n, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&source)
