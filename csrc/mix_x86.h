/* The plain sum (every gain 1), and the sum with gains, for x86-64, by hand. mix.c has the same in plain C; the two
 * must agree to the bit.
 *
 * The plain sum: compilers widen every input on its own. Two inputs at a time: interleaved, a sample of the one and the
 * same sample of the other lie side by side, and a multiply-add with ones adds the two into 32 bits. That takes half
 * the shuffles of widening, the port that limits this loop, and the saturating pack at the end puts the lanes back in
 * order.
 *
 * Gains: a product of 32 bits by 32 bits is enough, of the lower halves of what was widened to 64 bits at once.
 * Compilers multiply 64 bits by 64 bits, or shuffle.
 *
 * Each function does whole steps and returns how many samples that were.
 */
#ifndef LKU_MIX_X86_H
#define LKU_MIX_X86_H

#include <immintrin.h>
#include <stdbool.h>

#include "mix.h"

enum { MIX_PAIRS_STEP = 32 };

/* vector, lanes: the register and its number of int16 samples; prefix, suffix: of the intrinsics' names. */
#define LKU_MIX_PAIRS(name, isa, vector, lanes, prefix, suffix)                                                       \
    __attribute__((target(isa))) static size_t name(const lku_mix_input *inputs, size_t num_inputs,                   \
                                                    size_t num_samples, lku_s16 *out) {                               \
        enum { UNROLL = MIX_PAIRS_STEP / lanes };                                                                     \
        const vector ones = prefix##_set1_epi16(1);                                                                   \
        const vector zero = prefix##_setzero_##suffix();                                                              \
        size_t start = 0;                                                                                             \
        for (; start + MIX_PAIRS_STEP <= num_samples; start += MIX_PAIRS_STEP) {                                      \
            vector low[UNROLL], high[UNROLL];                                                                         \
            for (size_t u = 0; u < UNROLL; u++)                                                                       \
                low[u] = high[u] = zero;                                                                              \
            for (size_t j = 0; j < num_inputs; j += 2) {                                                              \
                const lku_s16 *a = inputs[j].samples + start;                                                         \
                const lku_s16 *b = j + 1 < num_inputs ? inputs[j + 1].samples + start : NULL;                         \
                for (size_t u = 0; u < UNROLL; u++) {                                                                 \
                    const vector x = prefix##_loadu_##suffix((const void *)(a + u * lanes));                          \
                    const vector y = b ? prefix##_loadu_##suffix((const void *)(b + u * lanes)) : zero;               \
                    low[u] = prefix##_add_epi32(low[u], prefix##_madd_epi16(prefix##_unpacklo_epi16(x, y), ones));    \
                    high[u] = prefix##_add_epi32(high[u], prefix##_madd_epi16(prefix##_unpackhi_epi16(x, y), ones));  \
                }                                                                                                     \
            }                                                                                                         \
            for (size_t u = 0; u < UNROLL; u++)                                                                       \
                prefix##_storeu_##suffix((void *)(out + start + u * lanes), prefix##_packs_epi32(low[u], high[u]));   \
        }                                                                                                             \
        return start;                                                                                                 \
    }

LKU_MIX_PAIRS(lku_mix_pairs_baseline, "sse2", __m128i, 8, _mm, si128)
LKU_MIX_PAIRS(lku_mix_pairs_avx2, "avx2", __m256i, 16, _mm256, si256)

static size_t lku_mix_pairs(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t num_samples,
                        lku_s16 *out) {
    if (simd == LKU_SIMD_BASELINE)
        return lku_mix_pairs_baseline(inputs, num_inputs, num_samples, out);
    return lku_mix_pairs_avx2(inputs, num_inputs, num_samples, out);
}

/* Adds to the sum, or subtracts from it, samples with two gains in turn. */
LKU_TARGET_AVX2 static size_t lku_mix_add_avx2(int64_t *sum, const lku_s16 *samples, size_t num_samples, int32_t even,
                                               int32_t odd, bool subtracts) {
    const __m256i gains = _mm256_set_epi64x(odd, even, odd, even);
    size_t i = 0;
    for (; i + 4 <= num_samples; i += 4) {
        const __m256i wide = _mm256_cvtepi16_epi64(_mm_loadl_epi64((const void *)(samples + i)));
        const __m256i products = _mm256_mul_epi32(wide, gains);
        const __m256i before = _mm256_loadu_si256((const void *)(sum + i));
        _mm256_storeu_si256((void *)(sum + i), subtracts ? _mm256_sub_epi64(before, products)
                                                         : _mm256_add_epi64(before, products));
    }
    return i;
}

#endif
