/* Rows of yuv.c for AVX2, by hand: a byte that is unpacked above a zero is shifted already, and the halves are packed in
 * the order in which they were unpacked. The same arithmetic, so the same bits.
 *
 * Each function does whole steps of 32 pixels and returns how many pixels that were.
 */
#ifndef LKU_YUV_X86_H
#define LKU_YUV_X86_H

#include <immintrin.h>

#include "yuv.h"

LKU_TARGET_AVX2 static inline __m256i lku_y_avx2(__m256i r, __m256i g, __m256i b, __m256i y_r, __m256i y_g, __m256i y_b,
                                                 __m256i offset) {
    const __m256i red = _mm256_add_epi16(_mm256_mulhi_epu16(r, y_r), offset);
    const __m256i sum = _mm256_add_epi16(_mm256_mulhi_epu16(g, y_g), _mm256_mulhi_epu16(b, y_b));
    return _mm256_srli_epi16(_mm256_add_epi16(red, sum), 8);
}

LKU_TARGET_AVX2 static size_t lku_rgb_to_y8_avx2(const uint8_t *const rgb[3], size_t num_values,
                                                 const lku_yuv_matrix *matrix, uint8_t *y) {
    const __m256i y_r = _mm256_set1_epi16((int16_t)matrix->y_r), y_g = _mm256_set1_epi16((int16_t)matrix->y_g);
    const __m256i y_b = _mm256_set1_epi16((int16_t)matrix->y_b), offset = _mm256_set1_epi16((int16_t)matrix->y_offset);
    const __m256i zero = _mm256_setzero_si256();
    size_t i = 0;

    for (; i + 32 <= num_values; i += 32) {
        const __m256i r = _mm256_loadu_si256((const void *)(rgb[0] + i));
        const __m256i g = _mm256_loadu_si256((const void *)(rgb[1] + i));
        const __m256i b = _mm256_loadu_si256((const void *)(rgb[2] + i));
        const __m256i low = lku_y_avx2(_mm256_unpacklo_epi8(zero, r), _mm256_unpacklo_epi8(zero, g),
                                       _mm256_unpacklo_epi8(zero, b), y_r, y_g, y_b, offset);
        const __m256i high = lku_y_avx2(_mm256_unpackhi_epi8(zero, r), _mm256_unpackhi_epi8(zero, g),
                                        _mm256_unpackhi_epi8(zero, b), y_r, y_g, y_b, offset);
        _mm256_storeu_si256((void *)(y + i), _mm256_packus_epi16(low, high));
    }
    return i;
}

/* Factors and offsets, one in every lane. */
typedef struct lku_yuv_lanes {
    __m256i y, r_v, g_u, g_v, b_u, r_offset, g_offset, b_offset;
} lku_yuv_lanes;

/* Bits behind the point are shifted out; the packing of bytes saturates. */
LKU_TARGET_AVX2 static inline void lku_rgb_of_avx2(__m256i y, __m256i u, __m256i v, const lku_yuv_lanes *m, __m256i rgb[3]) {
    const __m256i grey = _mm256_mulhi_epu16(y, m->y);
    const __m256i minus = _mm256_add_epi16(_mm256_mulhi_epi16(u, m->g_u), _mm256_mulhi_epi16(v, m->g_v));
    rgb[0] = _mm256_add_epi16(_mm256_add_epi16(grey, m->r_offset), _mm256_mulhi_epi16(v, m->r_v));
    rgb[1] = _mm256_sub_epi16(_mm256_add_epi16(grey, m->g_offset), minus);
    rgb[2] = _mm256_add_epi16(_mm256_add_epi16(grey, m->b_offset), _mm256_mulhi_epi16(u, m->b_u));
    for (int i = 0; i < 3; i++)
        rgb[i] = _mm256_srai_epi16(rgb[i], 5);
}

LKU_TARGET_AVX2 static size_t lku_yuv8_to_rgb_avx2(const uint8_t *const yuv[3], size_t num_values,
                                                   const lku_yuv_matrix *matrix, uint8_t *const rgb[3]) {
    const lku_yuv_lanes m = {
        _mm256_set1_epi16((int16_t)matrix->y),  _mm256_set1_epi16(matrix->r_v),
        _mm256_set1_epi16(matrix->g_u),         _mm256_set1_epi16(matrix->g_v),
        _mm256_set1_epi16(matrix->b_u),         _mm256_set1_epi16(matrix->r_offset),
        _mm256_set1_epi16(matrix->g_offset),    _mm256_set1_epi16(matrix->b_offset),
    };
    const __m256i zero = _mm256_setzero_si256(), centre = _mm256_set1_epi8(-128);
    size_t i = 0;

    for (; i + 32 <= num_values; i += 32) {
        const __m256i y = _mm256_loadu_si256((const void *)(yuv[0] + i));
        const __m256i u = _mm256_xor_si256(_mm256_loadu_si256((const void *)(yuv[1] + i)), centre);
        const __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const void *)(yuv[2] + i)), centre);
        __m256i low[3], high[3];
        lku_rgb_of_avx2(_mm256_unpacklo_epi8(zero, y), _mm256_unpacklo_epi8(zero, u), _mm256_unpacklo_epi8(zero, v), &m,
                        low);
        lku_rgb_of_avx2(_mm256_unpackhi_epi8(zero, y), _mm256_unpackhi_epi8(zero, u), _mm256_unpackhi_epi8(zero, v), &m,
                        high);
        for (int j = 0; j < 3; j++)
            _mm256_storeu_si256((void *)(rgb[j] + i), _mm256_packus_epi16(low[j], high[j]));
    }
    return i;
}

#endif
