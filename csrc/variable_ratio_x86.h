/* The filter of variable_ratio.c for AVX2, by hand, as polyphase_x86.h: compilers keep too few partial sums in registers.
 * Two outputs at a time, with two rows each. */
#ifndef LKU_VARIABLE_RATIO_X86_H
#define LKU_VARIABLE_RATIO_X86_H

#include "dot_x86.h"
#include "variable_ratio.h"

LKU_TARGET_AVX2 static void lku_variable_avx2(const lku_variable_filter *filter, const lku_f32 *memory,
                                              const lku_variable_place *places, size_t num_outputs, float *out) {
    const size_t num_taps = filter->num_taps;

    for (size_t k = 0; k < num_outputs; k += 2) {
        const lku_variable_place first = places[k];
        const lku_variable_place second = places[k + 1 < num_outputs ? k + 1 : k]; /* the last one again */
        const lku_f32 *in = memory + first.in, *in_second = memory + second.in;
        const lku_f32 *taps = filter->taps + first.phase * num_taps;
        const lku_f32 *taps_second = filter->taps + second.phase * num_taps;
        __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
        for (size_t j = 0; j < num_taps; j += LKU_VARIABLE_LANES) {
            const __m256 values = lku_load(in + j), values_second = lku_load(in_second + j);
            a = lku_multiply_add(values, lku_load(taps + j), a);
            b = lku_multiply_add(values, lku_load(taps + num_taps + j), b);
            c = lku_multiply_add(values_second, lku_load(taps_second + j), c);
            d = lku_multiply_add(values_second, lku_load(taps_second + num_taps + j), d);
        }
        float sums[4];
        _mm_storeu_ps(sums, lku_sums(a, b, c, d));
        out[k] = sums[0] + first.weight * (sums[1] - sums[0]);
        if (k + 1 < num_outputs)
            out[k + 1] = sums[2] + second.weight * (sums[3] - sums[2]);
    }
}

#endif
