"""The exact sum of int16 blocks, each with a gain, saturated once."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport fabs

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport NOGIL_SAMPLES, PyBuffer_Release, borrow_s16
from livekit_utils._kernels.gain cimport fixed_gain

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


def mix_s16(blocks, gains=None):
    blocks = tuple(blocks)
    cdef Py_ssize_t num_blocks = len(blocks), borrowed = 0, num_samples = 0, n
    cdef double total_gain = 0, gain
    if gains is not None:
        gains = tuple(gains)
        if len(gains) != num_blocks:
            raise ValueError(f"expected a gain for each of {num_blocks} blocks, got {len(gains)}")
    cdef Py_buffer *views = <Py_buffer *>PyMem_Malloc(max(num_blocks, 1) * sizeof(Py_buffer))
    cdef csrc.lku_mix_input *inputs = \
        <csrc.lku_mix_input *>PyMem_Malloc(max(num_blocks, 1) * sizeof(csrc.lku_mix_input))
    cdef csrc.lku_s16 *out
    try:
        if views is NULL or inputs is NULL:
            raise MemoryError()
        for block in blocks:
            n = borrow_s16(block, &views[borrowed])
            inputs[borrowed].samples = <const csrc.lku_s16 *>views[borrowed].buf
            inputs[borrowed].gain = csrc.LKU_GAIN_UNITY
            inputs[borrowed].gain_from = csrc.LKU_GAIN_UNITY
            inputs[borrowed].ramp_frames = 0
            inputs[borrowed].ramp_position = 0
            borrowed += 1
            if borrowed > 1 and n != num_samples:
                raise ValueError(f"expected blocks of one length, got {num_samples} and {n} samples")
            num_samples = n
            if gains is not None:
                gain = gains[borrowed - 1]
                inputs[borrowed - 1].gain = fixed_gain(gain)
                total_gain += fabs(gain)
        if total_gain > csrc.LKU_MIX_MAX_TOTAL_GAIN:
            raise ValueError(f"expected gains that add up to at most {csrc.LKU_MIX_MAX_TOTAL_GAIN}, got {total_gain}")
        result = PyByteArray_FromStringAndSize(NULL, num_samples * 2)
        out = <csrc.lku_s16 *>PyByteArray_AS_STRING(result)
        if num_samples * num_blocks >= NOGIL_SAMPLES:
            with nogil:
                csrc.lku_mix_s16(SIMD, inputs, num_blocks, num_samples, 1, out)
        else:
            csrc.lku_mix_s16(SIMD, inputs, num_blocks, num_samples, 1, out)
        return result
    finally:
        for i in range(borrowed):
            PyBuffer_Release(&views[i])
        PyMem_Free(views)
        PyMem_Free(inputs)
