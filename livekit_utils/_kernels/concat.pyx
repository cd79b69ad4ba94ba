"""Many blocks of int16 samples into one."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16


def concat_s16(blocks):
    blocks = tuple(blocks)
    cdef Py_ssize_t num_blocks = len(blocks), borrowed = 0, total = 0, n
    cdef Py_buffer *views = <Py_buffer *>PyMem_Malloc(max(num_blocks, 1) * sizeof(Py_buffer))
    cdef csrc.lku_block *parts = <csrc.lku_block *>PyMem_Malloc(max(num_blocks, 1) * sizeof(csrc.lku_block))
    cdef csrc.lku_s16 *out
    try:
        if views is NULL or parts is NULL:
            raise MemoryError()
        for block in blocks:
            n = borrow_s16(block, &views[borrowed])
            parts[borrowed].samples = <const csrc.lku_s16 *>views[borrowed].buf
            parts[borrowed].num_samples = n
            borrowed += 1
            total += n
        result = PyByteArray_FromStringAndSize(NULL, total * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        if total >= NOGIL_SAMPLES:
            with nogil:
                csrc.lku_concat_s16(parts, num_blocks, out)
        else:
            csrc.lku_concat_s16(parts, num_blocks, out)
        return result
    finally:
        for i in range(borrowed):
            PyBuffer_Release(&views[i])
        PyMem_Free(views)
        PyMem_Free(parts)
