/* float32 to int16 for AVX2, by hand: 32 samples at a time, where all of them are numbers within full scale.
 *
 * The processor's own conversion rounds as convert.c does, ties to even, and makes the least int32 of a NaN and of what
 * is too large, so one look at the integers tells whether a value needs more than a conversion. A block that has such
 * a value is left to the plain code. The two must agree to the bit.
 */
#ifndef LKU_CONVERT_X86_H
#define LKU_CONVERT_X86_H

#include <immintrin.h>
#include <stdbool.h>

#include "convert.h"

enum { LKU_CONVERT_STEP = 32 };

LKU_TARGET_AVX2 LKU_INLINE __m256i lku_scaled(const lku_f32 *in, __m256 full_scale) {
    return _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps((const float *)in), full_scale));
}

/* Converts one step, and returns whether all of its values fit. */
LKU_TARGET_AVX2 LKU_INLINE bool lku_f32_step(const lku_f32 *in, lku_s16 *out) {
    const __m256 full_scale = _mm256_set1_ps(32768.0f);
    const __m256i half_range = _mm256_set1_epi32(32768);
    const __m256i a = lku_scaled(in, full_scale), b = lku_scaled(in + 8, full_scale);
    const __m256i c = lku_scaled(in + 16, full_scale), d = lku_scaled(in + 24, full_scale);
    const __m256i bits = _mm256_or_si256(
        _mm256_or_si256(_mm256_add_epi32(a, half_range), _mm256_add_epi32(b, half_range)),
        _mm256_or_si256(_mm256_add_epi32(c, half_range), _mm256_add_epi32(d, half_range)));
    _mm256_storeu_si256((void *)out, _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xD8));
    _mm256_storeu_si256((void *)(out + 16), _mm256_permute4x64_epi64(_mm256_packs_epi32(c, d), 0xD8));
    return _mm256_testz_si256(bits, _mm256_set1_epi32(~0xFFFF));
}

#endif
