"""Converts linear samples of other encodings to int16 and back: integers of 8 to 32 bits and floats, either byte order."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from libc.stdint cimport uint8_t

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16, release_gil_if, restore_gil
from livekit_utils._kernels.encoding cimport borrow_encoded, decode, encode, num_bytes_of

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

# In the order of csrc/pcm.h; `_kernels/encoding.pxd` numbers all encodings in this order.
PCM_ENCODINGS = ("s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "u8", "f32le", "f32be", "f64le")
ENCODINGS = (*PCM_ENCODINGS, "ulaw", "alaw")

cdef dict NUMBERS = {name: number for number, name in enumerate(PCM_ENCODINGS)}


cdef int number_of(str encoding) except -1:
    number = NUMBERS.get(encoding)
    if number is None:
        raise ValueError(f"encoding: expected one of {', '.join(PCM_ENCODINGS)}, got {encoding!r}")
    return number


def to_s16(data, str encoding not None):
    """Returns (the samples as int16, how many of them were saturated or NaN)."""
    cdef Py_buffer view
    cdef int number = number_of(encoding)
    cdef Py_ssize_t num_bytes = num_bytes_of(number)
    cdef Py_ssize_t n = borrow_encoded(data, &view, number) // num_bytes
    cdef csrc.lku_s16 *out
    cdef size_t clipped
    try:
        if n * num_bytes != view.len:
            raise ValueError(f"data: expected whole samples of {num_bytes} bytes, got {view.len} bytes")
        result = PyByteArray_FromStringAndSize(NULL, n * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        released = release_gil_if(n >= NOGIL_SAMPLES)
        clipped = decode(SIMD, number, <const uint8_t *>view.buf, n, out)
        restore_gil(released)
        return result, clipped
    finally:
        PyBuffer_Release(&view)


def from_s16(data, str encoding not None):
    """Returns (int16 samples in that encoding, how many of them were saturated)."""
    cdef Py_buffer view
    cdef int number = number_of(encoding)
    cdef Py_ssize_t n = borrow_s16(data, &view)
    cdef uint8_t *out
    cdef size_t clipped
    try:
        result = PyByteArray_FromStringAndSize(NULL, n * num_bytes_of(number))
        out = <uint8_t *>PyByteArray_AS_STRING(result)
        released = release_gil_if(n >= NOGIL_SAMPLES)
        clipped = encode(SIMD, number, <const csrc.lku_s16 *>view.buf, n, out)
        restore_gil(released)
        return result, clipped
    finally:
        PyBuffer_Release(&view)
