/* float32 to int16 for AVX2, by hand: 32 samples at a time, in the same time whether they fit or not.
 *
 * Floats from 256 to 512 are multiples of 2^-15. So adding 385 rounds a sample to an integer of the 16-bit scale, ties to
 * even as in convert.c, and the bits of the sum are those of 384.0 and the sample plus 32768: their upper half tells
 * whether the sample fits, and a subtraction and a saturating pack give it. That holds while the sum is finite and not
 * negative. The largest upper half of a block, which is that of a negative sum or of no number, tells whether it did; else
 * the plain code converts the block again. The two must agree to the bit.
 */
#ifndef LKU_CONVERT_X86_H
#define LKU_CONVERT_X86_H

#include <immintrin.h>

#include "convert.h"

enum {
    LKU_CONVERT_STEP = 32,
    LKU_CONVERT_BIAS = 0x43C00000, /* 384.0f: what a sample of -32768 becomes */
    LKU_CONVERT_INFINITY = 0x7F80 /* the upper half of its bits; those of NaN and of negative numbers are higher */
};

#define LKU_CONVERT_INLINE LKU_TARGET_AVX2 LKU_INLINE

LKU_CONVERT_INLINE __m256i lku_biased(const lku_f32 *in) {
    return _mm256_castps_si256(_mm256_add_ps(_mm256_loadu_ps((const float *)in), _mm256_set1_ps(385.0f)));
}

/* Stores 16 samples, saturated. */
LKU_CONVERT_INLINE void lku_store_packed(__m256i first, __m256i second, lku_s16 *out) {
    const __m256i zero = _mm256_set1_epi32(LKU_CONVERT_BIAS + 32768);
    const __m256i packed = _mm256_packs_epi32(_mm256_sub_epi32(first, zero), _mm256_sub_epi32(second, zero));
    _mm256_storeu_si256((void *)out, _mm256_permute4x64_epi64(packed, 0xD8));
}

/* The upper halves of 16 sums, in any order. */
LKU_CONVERT_INLINE __m256i lku_upper_halves(__m256i first, __m256i second) {
    return _mm256_blend_epi16(_mm256_srli_epi32(first, 16), second, 0xAA);
}

/* Converts fewer than 2^20 samples, a multiple of LKU_CONVERT_STEP. Returns how many were saturated, or -1 where what was
 * stored is not right, because of NaN or of what is far below full scale. */
LKU_TARGET_AVX2 static int32_t lku_f32_to_s16_avx2(const lku_f32 *in, size_t num_samples, lku_s16 *out) {
    const __m256i full = _mm256_set1_epi16(LKU_CONVERT_BIAS >> 16);
    __m256i fitting = _mm256_setzero_si256(), largest = _mm256_setzero_si256();
    uint16_t counts[16], tops[16];
    int32_t num_saturated = (int32_t)num_samples;
    int is_right = 1;

    for (size_t i = 0; i < num_samples; i += LKU_CONVERT_STEP) {
        const __m256i a = lku_biased(in + i), b = lku_biased(in + i + 8);
        const __m256i c = lku_biased(in + i + 16), d = lku_biased(in + i + 24);
        const __m256i ab = lku_upper_halves(a, b), cd = lku_upper_halves(c, d);
        fitting = _mm256_sub_epi16(fitting, _mm256_add_epi16(_mm256_cmpeq_epi16(ab, full), _mm256_cmpeq_epi16(cd, full)));
        largest = _mm256_max_epu16(largest, _mm256_max_epu16(ab, cd));
        lku_store_packed(a, b, out + i);
        lku_store_packed(c, d, out + i + 16);
    }
    _mm256_storeu_si256((void *)counts, fitting);
    _mm256_storeu_si256((void *)tops, largest);
    for (size_t i = 0; i < 16; i++) {
        num_saturated -= counts[i];
        is_right &= tops[i] < LKU_CONVERT_INFINITY;
    }
    return is_right ? num_saturated : -1;
}

#undef LKU_CONVERT_INLINE

#endif
