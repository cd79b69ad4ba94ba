/* Linear samples of other encodings to int16 and back.
 *
 * Full scale is 2^(bits - 1) of integers and 1.0 of floats; u8 has its zero at 128. Where bits are lost, a value is
 * rounded to the nearest (ties to even) and saturated. Values that had to be saturated are counted: those that round
 * to beyond full scale, infinity included, and every NaN, which becomes 0. Whatever int16 becomes, except u8, comes back
 * unchanged.
 *
 * The host is little-endian.
 */
#ifndef LKU_PCM_H
#define LKU_PCM_H

#include "simd.h"

typedef enum lku_pcm {
    LKU_PCM_S16LE,
    LKU_PCM_S16BE,
    LKU_PCM_S24LE, /* packed: three bytes */
    LKU_PCM_S24BE,
    LKU_PCM_S32LE,
    LKU_PCM_S32BE,
    LKU_PCM_U8,
    LKU_PCM_F32LE,
    LKU_PCM_F32BE,
    LKU_PCM_F64LE,
    LKU_PCM_NUM_ENCODINGS
} lku_pcm;

/* Bytes of one sample. */
size_t lku_pcm_num_bytes(lku_pcm encoding);

/* Returns how many values were saturated.
 * in  [in]  num_samples samples, at any address
 * out [out] num_samples samples; must not overlap in
 */
size_t lku_pcm_to_s16(lku_simd simd, lku_pcm encoding, const uint8_t *in, size_t num_samples, lku_s16 *out);

/* The way back; u8 alone can saturate, at its upper end. */
size_t lku_pcm_from_s16(lku_simd simd, lku_pcm encoding, const lku_s16 *in, size_t num_samples, uint8_t *out);

#endif
