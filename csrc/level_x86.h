/* The level for x86-64, by hand, because compilers widen every sample on its own.
 *
 * A multiply-add of the samples with themselves gives sums of two squares. They reach 2^31, so they are taken without
 * a sign, and the lower and the upper ones of each pair are added to 64 bits. level.c has the same in plain C; the two
 * must agree to the bit.
 *
 * Each function looks at whole vectors and returns how many samples those were.
 */
#ifndef LKU_LEVEL_X86_H
#define LKU_LEVEL_X86_H

#include <immintrin.h>

#include "level.h"

/* vector, lanes: the register and its number of int16 samples; prefix, suffix: of the intrinsics' names. */
#define LKU_LEVEL_VECTORS(name, isa, vector, lanes, prefix, suffix)                                                   \
    __attribute__((target(isa))) static size_t name(const lku_s16 *in, size_t num_samples, int32_t *low,              \
                                                    int32_t *high, uint64_t *sum) {                                   \
        const vector lower_half = prefix##_set1_epi64x(UINT32_MAX);                                                   \
        vector least = prefix##_setzero_##suffix(), most = least, sums = least;                                       \
        size_t i = 0;                                                                                                 \
        for (; i + lanes <= num_samples; i += lanes) {                                                                \
            const vector x = prefix##_loadu_##suffix((const void *)(in + i));                                         \
            const vector squares = prefix##_madd_epi16(x, x);                                                         \
            least = prefix##_min_epi16(least, x);                                                                     \
            most = prefix##_max_epi16(most, x);                                                                       \
            sums = prefix##_add_epi64(sums, prefix##_and_##suffix(squares, lower_half));                              \
            sums = prefix##_add_epi64(sums, prefix##_srli_epi64(squares, 32));                                        \
        }                                                                                                             \
        int16_t each_least[lanes], each_most[lanes];                                                                  \
        uint64_t each_sum[lanes / 4];                                                                                 \
        prefix##_storeu_##suffix((void *)each_least, least);                                                          \
        prefix##_storeu_##suffix((void *)each_most, most);                                                            \
        prefix##_storeu_##suffix((void *)each_sum, sums);                                                             \
        for (size_t k = 0; k < lanes; k++) {                                                                          \
            *low = each_least[k] < *low ? each_least[k] : *low;                                                       \
            *high = each_most[k] > *high ? each_most[k] : *high;                                                      \
        }                                                                                                             \
        for (size_t k = 0; k < lanes / 4; k++)                                                                        \
            *sum += each_sum[k];                                                                                      \
        return i;                                                                                                     \
    }

LKU_LEVEL_VECTORS(lku_level_vectors_baseline, "sse2", __m128i, 8, _mm, si128)
LKU_LEVEL_VECTORS(lku_level_vectors_avx2, "avx2", __m256i, 16, _mm256, si256)

static size_t lku_level_vectors(lku_simd simd, const lku_s16 *in, size_t num_samples, int32_t *low, int32_t *high,
                                uint64_t *sum) {
    if (simd == LKU_SIMD_BASELINE)
        return lku_level_vectors_baseline(in, num_samples, low, high, sum);
    return lku_level_vectors_avx2(in, num_samples, low, high, sum);
}

#endif
