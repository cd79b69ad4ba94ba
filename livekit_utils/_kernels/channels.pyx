"""One channel to many by copying, many to one by averaging."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16, release_gil_if, restore_gil

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    MAX_CHANNELS = 32768


cdef int check_channels(Py_ssize_t num_channels) except -1:
    if not 1 <= num_channels <= MAX_CHANNELS:
        raise ValueError(f"expected 1 to {MAX_CHANNELS} channels, got {num_channels}")
    return 0


def upmix_s16(data, Py_ssize_t num_channels):
    check_channels(num_channels)
    cdef Py_buffer view
    cdef Py_ssize_t num_frames = borrow_s16(data, &view)
    cdef csrc.lku_s16 *out
    try:
        result = PyByteArray_FromStringAndSize(NULL, num_frames * num_channels * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(num_frames >= NOGIL_SAMPLES)
        csrc.lku_upmix_s16(SIMD, <const csrc.lku_s16 *>view.buf, num_frames, num_channels, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&view)


def downmix_s16(data, Py_ssize_t num_channels):
    check_channels(num_channels)
    cdef Py_buffer view
    cdef Py_ssize_t num_samples = borrow_s16(data, &view)
    cdef Py_ssize_t num_frames = num_samples // num_channels
    cdef csrc.lku_s16 *out
    try:
        if num_samples % num_channels:
            raise ValueError(f"expected whole frames of {num_channels} channels, got {num_samples} samples")
        result = PyByteArray_FromStringAndSize(NULL, num_frames * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(num_samples >= NOGIL_SAMPLES)
        csrc.lku_downmix_s16(SIMD, <const csrc.lku_s16 *>view.buf, num_frames, num_channels, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&view)
