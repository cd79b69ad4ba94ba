"""Copies one channel to many, and averages many channels to one."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16, release_gil_if, restore_gil
from livekit_utils._kernels.borrow cimport uneven

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    MAX_CHANNELS = 32768


cdef int check_channels(Py_ssize_t num_channels) except -1:
    if not 1 <= num_channels <= MAX_CHANNELS:
        raise ValueError(f"num_channels: expected 1 to {MAX_CHANNELS}, got {num_channels}")
    return 0


def upmix_s16(data, Py_ssize_t num_channels):
    """Returns mono samples copied to `num_channels` channels."""
    check_channels(num_channels)
    cdef Py_buffer view
    cdef Py_ssize_t samples_per_channel = borrow_s16(data, &view)
    cdef csrc.lku_s16 *out
    try:
        result = PyByteArray_FromStringAndSize(NULL, samples_per_channel * num_channels * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(samples_per_channel >= NOGIL_SAMPLES)
        csrc.lku_upmix_s16(SIMD, <const csrc.lku_s16 *>view.buf, samples_per_channel, num_channels, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&view)


def downmix_s16(data, Py_ssize_t num_channels):
    """Returns the average of the channels as mono samples, rounded to nearest."""
    check_channels(num_channels)
    cdef Py_buffer view
    cdef Py_ssize_t num_samples = borrow_s16(data, &view)
    cdef Py_ssize_t samples_per_channel = num_samples // num_channels
    cdef csrc.lku_s16 *out
    try:
        if num_samples % num_channels:
            raise uneven(num_samples, num_channels)
        result = PyByteArray_FromStringAndSize(NULL, samples_per_channel * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(num_samples >= NOGIL_SAMPLES)
        csrc.lku_downmix_s16(SIMD, <const csrc.lku_s16 *>view.buf, samples_per_channel, num_channels, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&view)
