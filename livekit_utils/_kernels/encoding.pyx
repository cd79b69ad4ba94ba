"""Decodes and encodes samples of any encoding, for the modules that know what the bytes are; nothing for Python."""
from libc.stdint cimport uint8_t

from livekit_utils._kernels cimport csrc


cdef Py_ssize_t num_bytes_of(int encoding) noexcept nogil:
    """Bytes of one sample."""
    return 1 if encoding >= ULAW else csrc.lku_pcm_num_bytes(<csrc.lku_pcm>encoding)


cdef size_t decode(csrc.lku_simd simd, int encoding, const uint8_t *data, size_t num_samples,
                   csrc.lku_s16 *out) noexcept nogil:
    """Returns how many samples were saturated."""
    if encoding == ULAW:
        csrc.lku_ulaw_to_s16(simd, data, num_samples, out)
        return 0
    if encoding == ALAW:
        csrc.lku_alaw_to_s16(simd, data, num_samples, out)
        return 0
    return csrc.lku_pcm_to_s16(simd, <csrc.lku_pcm>encoding, data, num_samples, out)


cdef size_t encode(csrc.lku_simd simd, int encoding, const csrc.lku_s16 *samples, size_t num_samples,
                   uint8_t *out) noexcept nogil:
    """Returns how many samples were saturated."""
    if encoding == ULAW:
        csrc.lku_s16_to_ulaw(simd, samples, num_samples, out)
        return 0
    if encoding == ALAW:
        csrc.lku_s16_to_alaw(simd, samples, num_samples, out)
        return 0
    return csrc.lku_pcm_from_s16(simd, <csrc.lku_pcm>encoding, samples, num_samples, out)
