"""Converts between the mu-law and A-law codes of G.711 and int16 samples."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport uint8_t

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16, release_gil_if, restore_gil
from livekit_utils._kernels.encoding cimport ALAW, ULAW, borrow_encoded, decode, encode

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef bytearray decoded(object data, int law):
    cdef Py_buffer view
    cdef Py_ssize_t n = borrow_encoded(data, &view, law)
    cdef csrc.lku_s16 *out
    try:
        result = PyByteArray_FromStringAndSize(NULL, n * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(n >= NOGIL_SAMPLES)
        decode(SIMD, law, <const uint8_t *>view.buf, n, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&view)


cdef bytes encoded(object data, int law):
    cdef Py_buffer view
    cdef Py_ssize_t n = borrow_s16(data, &view)
    cdef uint8_t *out
    try:
        result = PyBytes_FromStringAndSize(NULL, n)
        out = <uint8_t *>PyBytes_AS_STRING(result)
        released = release_gil_if(n >= NOGIL_SAMPLES)
        encode(SIMD, law, <const csrc.lku_s16 *>view.buf, n, out)
        restore_gil(released)
        return result
    finally:
        PyBuffer_Release(&view)


def ulaw_to_s16(data):
    """Returns the samples of mu-law codes."""
    return decoded(data, ULAW)


def alaw_to_s16(data):
    """Returns the samples of A-law codes."""
    return decoded(data, ALAW)


def s16_to_ulaw(data):
    """Returns samples as mu-law codes."""
    return encoded(data, ULAW)


def s16_to_alaw(data):
    """Returns samples as A-law codes."""
    return encoded(data, ALAW)
