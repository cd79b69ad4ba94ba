/* float32 to int16 for AVX2, by hand: 32 samples at a time.
 *
 * The processor's own conversion rounds as convert.c does, ties to even, and makes the least int32 of a NaN and of what
 * is too large. So one look at the integers tells whether a block needs more than a conversion: few do. convert.c has
 * the same in plain C; the two must agree to the bit.
 */
#ifndef LKU_CONVERT_X86_H
#define LKU_CONVERT_X86_H

#include <immintrin.h>

#include "convert.h"

enum { LKU_CONVERT_STEP = 32 };

#define LKU_CONVERT_INLINE LKU_TARGET_AVX2 LKU_INLINE

LKU_CONVERT_INLINE void lku_store_packed(const __m256i values[4], lku_s16 *out) {
    const __m256i low = _mm256_packs_epi32(values[0], values[1]), high = _mm256_packs_epi32(values[2], values[3]);
    _mm256_storeu_si256((void *)out, _mm256_permute4x64_epi64(low, 0xD8));
    _mm256_storeu_si256((void *)(out + 16), _mm256_permute4x64_epi64(high, 0xD8));
}

/* Converts one step with values that do not fit, and returns how many there were. */
LKU_CONVERT_INLINE uint32_t lku_saturate_step(const __m256 scaled[4], lku_s16 *out) {
    const __m256 most = _mm256_set1_ps(32767.0f);
    const __m256 above = _mm256_set1_ps(32767.5f), least = _mm256_set1_ps(-32768.5f);
    __m256i values[4];
    uint32_t count = 4 * 8;

    for (size_t i = 0; i < 4; i++) {
        const __m256 number = _mm256_and_ps(scaled[i], _mm256_cmp_ps(scaled[i], scaled[i], _CMP_ORD_Q));
        const __m256 fits = _mm256_and_ps(_mm256_cmp_ps(scaled[i], least, _CMP_GE_OQ),
                                          _mm256_cmp_ps(scaled[i], above, _CMP_LT_OQ));
        /* What is too far below becomes the least int32 either way. */
        values[i] = _mm256_cvtps_epi32(_mm256_min_ps(number, most));
        count -= (uint32_t)__builtin_popcount((unsigned)_mm256_movemask_ps(fits));
    }
    lku_store_packed(values, out);
    return count;
}

/* Converts one step, and returns how many values were saturated. */
LKU_CONVERT_INLINE uint32_t lku_f32_step(const lku_f32 *in, lku_s16 *out) {
    const __m256 full_scale = _mm256_set1_ps(32768.0f);
    const __m256i half_range = _mm256_set1_epi32(32768);
    __m256 scaled[4];
    __m256i values[4], bits = _mm256_setzero_si256();

    for (size_t i = 0; i < 4; i++) {
        scaled[i] = _mm256_mul_ps(_mm256_loadu_ps((const float *)(in + 8 * i)), full_scale);
        values[i] = _mm256_cvtps_epi32(scaled[i]);
        bits = _mm256_or_si256(bits, _mm256_add_epi32(values[i], half_range));
    }
    if (!_mm256_testz_si256(bits, _mm256_set1_epi32(~0xFFFF)))
        return lku_saturate_step(scaled, out);
    lku_store_packed(values, out);
    return 0;
}

#undef LKU_CONVERT_INLINE

#endif
