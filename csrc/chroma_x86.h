/* The sums over squares of chroma.c for AVX2, by hand: one instruction adds neighbours.
 *
 * Does whole steps of 32 values and returns how many values that were.
 */
#ifndef LKU_CHROMA_X86_H
#define LKU_CHROMA_X86_H

#include <immintrin.h>

#include "simd.h"

LKU_TARGET_AVX2 static size_t lku_sum_squares_u8_avx2(const uint8_t *above, const uint8_t *below, size_t num_values,
                                                      uint16_t *sums) {
    const __m256i ones = _mm256_set1_epi8(1);
    size_t i = 0;

    for (; i + 32 <= num_values; i += 32) {
        const __m256i one = _mm256_maddubs_epi16(_mm256_loadu_si256((const void *)(above + i)), ones);
        const __m256i two = _mm256_maddubs_epi16(_mm256_loadu_si256((const void *)(below + i)), ones);
        _mm256_storeu_si256((void *)(sums + i / 2), _mm256_add_epi16(one, two));
    }
    return i;
}

#endif
