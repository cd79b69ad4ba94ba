/* The filter of polyphase.c for AVX2, by hand, because compilers keep too few partial sums in registers.
 *
 * Four outputs at a time, whose sums across the lanes then take the place of one. Multiplication and addition are
 * separate, as in plain C: fused ones would round otherwise, and gain nothing where loads are the limit.
 */
#ifndef LKU_POLYPHASE_X86_H
#define LKU_POLYPHASE_X86_H

#include <immintrin.h>

#include "polyphase.h"

#define LKU_AVX2_INLINE LKU_TARGET_AVX2 LKU_INLINE

LKU_AVX2_INLINE __m256 lku_multiply_add(const lku_f32 *in, __m256 taps, __m256 sum) {
    return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_loadu_ps((const float *)in), taps));
}

/* The partial sums of four outputs added up, in the order that polyphase.h states. */
LKU_AVX2_INLINE __m128 lku_sums(__m256 a, __m256 b, __m256 c, __m256 d) {
    const __m256 sums = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
    return _mm_add_ps(_mm256_castps256_ps128(sums), _mm256_extractf128_ps(sums, 1));
}

/* Four outputs of one phase each: where their inputs begin, and their rows of taps. */
LKU_AVX2_INLINE __m128 lku_four_phases(const lku_f32 *const in[4], const lku_f32 *const taps[4], size_t num_taps) {
    const lku_f32 *in0 = in[0], *in1 = in[1], *in2 = in[2], *in3 = in[3];
    const lku_f32 *taps0 = taps[0], *taps1 = taps[1], *taps2 = taps[2], *taps3 = taps[3];
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
    for (size_t j = 0; j < num_taps; j += LKU_POLYPHASE_LANES) {
        a = lku_multiply_add(in0 + j, _mm256_loadu_ps((const float *)(taps0 + j)), a);
        b = lku_multiply_add(in1 + j, _mm256_loadu_ps((const float *)(taps1 + j)), b);
        c = lku_multiply_add(in2 + j, _mm256_loadu_ps((const float *)(taps2 + j)), c);
        d = lku_multiply_add(in3 + j, _mm256_loadu_ps((const float *)(taps3 + j)), d);
    }
    return lku_sums(a, b, c, d);
}

LKU_TARGET_AVX2 static void lku_polyphase_avx2(const lku_polyphase_filter *filter, const lku_f32 *in, size_t phase,
                                               size_t num_outputs, float *out) {
    const size_t whole = filter->step / filter->num_phases, rest = filter->step % filter->num_phases;
    const lku_f32 *ins[4], *taps[4];

    for (size_t k = 0; k < num_outputs; k += 4) {
        const size_t n = lku_min_size(num_outputs - k, 4);
        for (size_t i = 0; i < n; i++) {
            ins[i] = in;
            taps[i] = filter->taps + phase * filter->num_taps;
            in += whole;
            phase += rest;
            if (phase >= filter->num_phases) {
                phase -= filter->num_phases;
                in++;
            }
        }
        for (size_t i = n; i < 4; i++) { /* fewer are left: the last one again */
            ins[i] = ins[n - 1];
            taps[i] = taps[n - 1];
        }
        float four[4];
        _mm_storeu_ps(four, lku_four_phases(ins, taps, filter->num_taps));
        for (size_t i = 0; i < n; i++)
            out[k + i] = four[i];
    }
}

#endif
