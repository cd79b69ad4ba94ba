/* Sums of products for AVX2, in the order that variable_ratio.h states: eight partial sums, which are then added in pairs. */
#ifndef LKU_DOT_X86_H
#define LKU_DOT_X86_H

#include <immintrin.h>

#include "simd.h"

#define LKU_AVX2_INLINE LKU_TARGET_AVX2 LKU_INLINE

LKU_AVX2_INLINE __m256 lku_load(const lku_f32 *values) {
    return _mm256_loadu_ps((const float *)values);
}

LKU_AVX2_INLINE __m256 lku_multiply_add(__m256 in, __m256 taps, __m256 sum) {
    return _mm256_add_ps(sum, _mm256_mul_ps(in, taps));
}

/* The partial sums of four sums added up. */
LKU_AVX2_INLINE __m128 lku_sums(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256 sums = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
}

#endif
