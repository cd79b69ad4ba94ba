/* The filter of polyphase.c for AVX2, by hand, because compilers do not find its instructions.
 *
 * Two quads at a time, of one channel or of two that share the loads of the taps. A register holds the sums of a quad:
 * two for each output, side by side, since four inputs are multiplied at once with four taps of each output. They begin
 * at -2^31, so that they stay positive when they are taken for unsigned, and are added up in 64 bits after each run.
 */
#ifndef LKU_POLYPHASE_X86_H
#define LKU_POLYPHASE_X86_H

#include <immintrin.h>
#include <string.h>

#include "polyphase.h"

#define LKU_AVX2_INLINE LKU_TARGET_AVX2 LKU_INLINE

/* The sums of two quads, of a channel or of two. */
typedef struct lku_quads {
    __m256i a, b, right_a, right_b;
} lku_quads;

/* Four inputs, beside each other four times. */
LKU_AVX2_INLINE __m256i lku_four_inputs(const int16_t *in) {
    int64_t four;
    memcpy(&four, in, sizeof four);
    return _mm256_set1_epi64x(four);
}

LKU_AVX2_INLINE __m256i lku_add_products(__m256i sums, const int16_t *in, __m256i taps) {
    return _mm256_add_epi32(sums, _mm256_madd_epi16(lku_four_inputs(in), taps));
}

/* Adds the sums of a run, two for each output. */
LKU_AVX2_INLINE __m256i lku_add_pairs(__m256i totals, __m256i sums) {
    const __m256i even = _mm256_blend_epi32(sums, _mm256_setzero_si256(), 0xAA);
    return _mm256_add_epi64(totals, _mm256_add_epi64(even, _mm256_srli_epi64(sums, 32)));
}

LKU_AVX2_INLINE void lku_add_step(lku_quads *sums, const int16_t *in, ptrdiff_t to_b, ptrdiff_t to_right,
                                  const int16_t *taps_a, const int16_t *taps_b, bool is_pair) {
    __m256i a = _mm256_load_si256((const __m256i *)taps_a), b = _mm256_load_si256((const __m256i *)taps_b);
    if (is_pair)
        __asm__("" : "+x"(a), "+x"(b)); /* keeps them in registers: compilers load them once for each channel */
    sums->a = lku_add_products(sums->a, in, a);
    sums->b = lku_add_products(sums->b, in + to_b, b);
    if (is_pair) {
        sums->right_a = lku_add_products(sums->right_a, in + to_right, a);
        sums->right_b = lku_add_products(sums->right_b, in + to_right + to_b, b);
    }
}

LKU_AVX2_INLINE void lku_add_run(lku_quads *totals, lku_polyphase_run run, const int16_t *in, ptrdiff_t to_b,
                                 ptrdiff_t to_right, const int16_t *taps, size_t to_taps_b, bool is_pair) {
    const __m256i least = _mm256_set1_epi32(INT32_MIN);
    lku_quads sums = {least, least, least, least};
    in += run.first * LKU_POLYPHASE_QUAD;
    size_t step = run.num_steps;
    for (; step >= 2; step -= 2, in += 8, taps += 32) {
        lku_add_step(&sums, in, to_b, to_right, taps, taps + to_taps_b, is_pair);
        lku_add_step(&sums, in + 4, to_b, to_right, taps + 16, taps + to_taps_b + 16, is_pair);
    }
    if (step > 0)
        lku_add_step(&sums, in, to_b, to_right, taps, taps + to_taps_b, is_pair);
    totals->a = lku_add_pairs(totals->a, sums.a);
    totals->b = lku_add_pairs(totals->b, sums.b);
    if (is_pair) {
        totals->right_a = lku_add_pairs(totals->right_a, sums.right_a);
        totals->right_b = lku_add_pairs(totals->right_b, sums.right_b);
    }
}

/* Eight outputs in order; not saturated. */
LKU_AVX2_INLINE __m256i lku_rounded(__m256i a, __m256i b, __m256i constant, __m128i fraction_bits) {
    a = _mm256_srl_epi64(_mm256_add_epi64(a, constant), fraction_bits);
    b = _mm256_srl_epi64(_mm256_add_epi64(b, constant), fraction_bits);
    const __m256 low = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    const __m256i ordered = _mm256_permute4x64_epi64(_mm256_castps_si256(low), 0xD8);
    return _mm256_sub_epi32(ordered, _mm256_set1_epi32(1 << 19));
}

/* Writes num_outputs, up to eight, from the one at `first` on; they are `apart` samples apart. */
LKU_AVX2_INLINE void lku_write(__m256i left, __m256i right, size_t first, size_t num_outputs, size_t apart,
                               bool is_pair, lku_s16 *out) {
    const __m256i eight = is_pair ? _mm256_packs_epi32(_mm256_unpacklo_epi32(left, right),
                                                       _mm256_unpackhi_epi32(left, right))
                                  : _mm256_permute4x64_epi64(_mm256_packs_epi32(left, left), 0x08);
    const size_t width = is_pair ? 2 : 1;
    if (num_outputs == 8 && apart == width) {
        if (is_pair)
            _mm256_storeu_si256((__m256i *)out, eight);
        else
            _mm_storeu_si128((__m128i *)out, _mm256_castsi256_si128(eight));
        return;
    }
    int16_t values[16];
    _mm256_storeu_si256((__m256i *)values, eight);
    for (size_t i = 0; i < num_outputs; i++)
        memcpy(out + i * apart, values + (first + i) * width, width * sizeof *values);
}

/* One channel, or two that are `to_right` apart in memory. */
LKU_AVX2_INLINE void lku_filter_channels(const lku_polyphase *state, const int16_t *memory, size_t num_outputs,
                                         bool is_pair, lku_s16 *out) {
    const lku_polyphase_filter *filter = state->filter;
    const size_t num_rows = filter->num_rows, to_taps_b = filter->num_values, num_fine = filter->num_fine;
    const lku_polyphase_run coarse = filter->coarse, *const fine = filter->fine;
    const ptrdiff_t to_right = (ptrdiff_t)state->capacity;
    const ptrdiff_t cycle = (ptrdiff_t)(num_rows * filter->step / filter->num_phases);
    const unsigned fine_bits = filter->fraction_bits - LKU_POLYPHASE_COARSE_BITS;
    const __m128i fraction_bits = _mm_cvtsi32_si128((int)filter->fraction_bits);
    const __m128i to_fine = _mm_cvtsi32_si128((int)fine_bits);
    /* Half for the rounding, and what makes all totals positive, less what the sums began with. */
    const uint64_t began = num_fine + (coarse.num_steps > 0 ? (uint64_t)1 << fine_bits : 0);
    const uint64_t added = ((uint64_t)1 << (filter->fraction_bits - 1)) + ((uint64_t)1 << (filter->fraction_bits + 19));
    const __m256i constant = _mm256_set1_epi64x((int64_t)(added - (began << 32)));

    size_t row = state->row;
    ptrdiff_t origin = state->origin;
    for (size_t k = 0; k < num_outputs;) {
        const size_t quad = row / LKU_POLYPHASE_QUAD, first = row % LKU_POLYPHASE_QUAD;
        const int16_t *taps = filter->taps + quad * filter->num_values;
        const int16_t *in = memory + (origin + (ptrdiff_t)filter->inputs[quad]);
        const ptrdiff_t to_b = (ptrdiff_t)(filter->inputs[quad + 1] - filter->inputs[quad]);
        const __m256i zero = _mm256_setzero_si256();
        lku_quads totals = {zero, zero, zero, zero};
        if (coarse.num_steps > 0) {
            lku_add_run(&totals, coarse, in, to_b, to_right, taps, to_taps_b, is_pair);
            taps += 16 * (size_t)coarse.num_steps;
            totals.a = _mm256_sll_epi64(totals.a, to_fine);
            totals.b = _mm256_sll_epi64(totals.b, to_fine);
            totals.right_a = _mm256_sll_epi64(totals.right_a, to_fine);
            totals.right_b = _mm256_sll_epi64(totals.right_b, to_fine);
        }
        for (size_t i = 0; i < num_fine; i++) {
            lku_add_run(&totals, fine[i], in, to_b, to_right, taps, to_taps_b, is_pair);
            taps += 16 * (size_t)fine[i].num_steps;
        }
        const __m256i left = lku_rounded(totals.a, totals.b, constant, fraction_bits);
        const __m256i right = is_pair ? lku_rounded(totals.right_a, totals.right_b, constant, fraction_bits) : left;
        const size_t written = lku_min_size(8 - first, num_outputs - k);
        lku_write(left, right, first, written, state->num_channels, is_pair, out + k * state->num_channels);
        k += written;
        row += written;
        if (row >= num_rows) {
            row -= num_rows;
            origin += cycle;
        }
    }
}

LKU_TARGET_AVX2 static void lku_polyphase_avx2(const lku_polyphase *state, size_t num_outputs, lku_s16 *out) {
    size_t channel = 0;
    for (; channel + 2 <= state->num_channels; channel += 2)
        lku_filter_channels(state, state->memory + channel * state->capacity, num_outputs, true, out + channel);
    if (channel < state->num_channels)
        lku_filter_channels(state, state->memory + channel * state->capacity, num_outputs, false, out + channel);
}

#endif
