# Every encoding of a sample behind one number: those of csrc/pcm.h, then the two of csrc/g711.h. The names of
# `pcm.ENCODINGS` are in this order. The kernels are in this module alone; others call them through it.
from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_Release, PyObject_CheckBuffer, PyObject_GetBuffer
from libc.stdint cimport uint8_t

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport is_bytes, is_contiguous, is_format

cdef enum:
    ULAW = <int>csrc.LKU_PCM_NUM_ENCODINGS
    ALAW = <int>csrc.LKU_PCM_NUM_ENCODINGS + 1
    NUM_ENCODINGS = <int>csrc.LKU_PCM_NUM_ENCODINGS + 2


cdef Py_ssize_t num_bytes_of(int encoding) noexcept nogil
cdef size_t decode(csrc.lku_simd simd, int encoding, const uint8_t *data, size_t num_samples,
                   csrc.lku_s16 *out) noexcept nogil
cdef size_t encode(csrc.lku_simd simd, int encoding, const csrc.lku_s16 *samples, size_t num_samples,
                   uint8_t *out) noexcept nogil


cdef inline Py_ssize_t borrow_encoded(object data, Py_buffer *view, int encoding, str name="data") except -1:
    """Fills `view` with plain bytes, or items that are the encoding's samples; returns how many bytes. After an
    exception nothing is borrowed."""
    if not PyObject_CheckBuffer(data):
        raise TypeError(f"{name}: expected bytes, got {type(data).__name__}")
    PyObject_GetBuffer(data, view, PyBUF_FULL_RO)
    if (is_bytes(view) or has_samples(view, encoding)) and is_contiguous(view):
        return view.len
    if is_bytes(view) or has_samples(view, encoding):
        error = ValueError(f"{name}: expected a C-contiguous buffer, got a strided one")
    else:
        text = (<bytes>view.format).decode('ascii', 'replace')
        error = TypeError(f"{name}: expected bytes, got a buffer of format {text!r}")
    PyBuffer_Release(view)
    raise error


cdef inline bint has_samples(const Py_buffer *view, int encoding) noexcept:
    """Whether the items of a buffer are samples of the encoding."""
    if encoding == csrc.LKU_PCM_S16LE:
        return is_format(view, b'h', 2)
    if encoding == csrc.LKU_PCM_S32LE:
        return is_format(view, b'i', 4) or is_format(view, b'l', 4)
    if encoding == csrc.LKU_PCM_F32LE:
        return is_format(view, b'f', 4)
    return encoding == csrc.LKU_PCM_F64LE and is_format(view, b'd', 8)
