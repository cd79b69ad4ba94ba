/* The rows of packed.c for AVX2, by hand: compilers take many more shuffles.
 *
 * Each function does whole steps of 32 pixels and returns how many pixels that were.
 */
#ifndef LKU_PACKED_X86_H
#define LKU_PACKED_X86_H

#include <immintrin.h>

#include "simd.h"

LKU_TARGET_AVX2 static size_t lku_split4_avx2(const uint8_t *in, size_t num_pixels, uint8_t *const out[4]) {
    const __m256i by_channel = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m256i across = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    size_t i = 0;

    for (; i + 32 <= num_pixels; i += 32) {
        __m256i v[4]; /* eight pixels each, by channel */
        for (int j = 0; j < 4; j++) {
            const __m256i loaded = _mm256_loadu_si256((const void *)(in + 4 * i + 32 * j));
            v[j] = _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(loaded, by_channel), across);
        }
        const __m256i even0 = _mm256_unpacklo_epi64(v[0], v[1]), even1 = _mm256_unpacklo_epi64(v[2], v[3]);
        const __m256i odd0 = _mm256_unpackhi_epi64(v[0], v[1]), odd1 = _mm256_unpackhi_epi64(v[2], v[3]);
        _mm256_storeu_si256((void *)(out[0] + i), _mm256_permute2x128_si256(even0, even1, 0x20));
        _mm256_storeu_si256((void *)(out[1] + i), _mm256_permute2x128_si256(odd0, odd1, 0x20));
        _mm256_storeu_si256((void *)(out[2] + i), _mm256_permute2x128_si256(even0, even1, 0x31));
        _mm256_storeu_si256((void *)(out[3] + i), _mm256_permute2x128_si256(odd0, odd1, 0x31));
    }
    return i;
}

/* Where the bytes of 16 pixels come from: channel c of pixel p is byte 3 * p + c. -1 leaves a zero. */
#define LKU_MERGE3_MASKS                                                                                        \
    {                                                                                                           \
        {{0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1, 5},                                            \
         {-1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1, -1},                                           \
         {-1, -1, 0, -1, -1, 1, -1, -1, 2, -1, -1, 3, -1, -1, 4, -1}},                                          \
        {{-1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10, -1},                                          \
         {5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1, 10},                                           \
         {-1, 5, -1, -1, 6, -1, -1, 7, -1, -1, 8, -1, -1, 9, -1, -1}},                                          \
        {{-1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1, -1},                                      \
         {-1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15, -1},                                      \
         {10, -1, -1, 11, -1, -1, 12, -1, -1, 13, -1, -1, 14, -1, -1, 15}},                                     \
    }

LKU_TARGET_AVX2 static size_t lku_merge3_avx2(const uint8_t *const in[3], size_t num_pixels, uint8_t *out) {
    static const int8_t masks[3][3][16] = LKU_MERGE3_MASKS;
    __m256i mask[3][3];
    size_t i = 0;

    for (int part = 0; part < 3; part++)
        for (int channel = 0; channel < 3; channel++)
            mask[part][channel] =
                _mm256_broadcastsi128_si256(_mm_loadu_si128((const void *)masks[part][channel]));
    for (; i + 32 <= num_pixels; i += 32) {
        __m256i made[3]; /* a third of 16 pixels, and of the 16 behind them */
        __m256i channels[3];
        for (int channel = 0; channel < 3; channel++)
            channels[channel] = _mm256_loadu_si256((const void *)(in[channel] + i));
        for (int part = 0; part < 3; part++)
            made[part] = _mm256_or_si256(_mm256_or_si256(_mm256_shuffle_epi8(channels[0], mask[part][0]),
                                                         _mm256_shuffle_epi8(channels[1], mask[part][1])),
                                         _mm256_shuffle_epi8(channels[2], mask[part][2]));
        uint8_t *to = out + 3 * i;
        _mm256_storeu_si256((void *)to, _mm256_permute2x128_si256(made[0], made[1], 0x20));
        _mm256_storeu_si256((void *)(to + 32), _mm256_permute2x128_si256(made[2], made[0], 0x30));
        _mm256_storeu_si256((void *)(to + 64), _mm256_permute2x128_si256(made[1], made[2], 0x31));
    }
    return i;
}

#undef LKU_MERGE3_MASKS

#endif
