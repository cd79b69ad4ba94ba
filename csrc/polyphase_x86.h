/* The filter of polyphase.c for AVX2, by hand, because compilers keep too few partial sums in registers.
 *
 * Four outputs at a time, of one channel or of two that share the loads of the taps. Where there are enough outputs of
 * each phase, the four are of one phase and share those loads too; else they follow each other. Multiplication and
 * addition are separate, as in plain C: fused ones would round otherwise. The two must agree to the bit.
 */
#ifndef LKU_POLYPHASE_X86_H
#define LKU_POLYPHASE_X86_H

#include <stdbool.h>

#include "dot_x86.h"
#include "polyphase.h"

/* Rounds to the nearest integer, ties to even; saturated to int16. */
LKU_AVX2_INLINE __m128i lku_rounded(__m128 values) {
    const __m128 from_below = _mm_max_ps(values, _mm_set1_ps(-32768.0f));
    return _mm_cvtps_epi32(_mm_min_ps(from_below, _mm_set1_ps(32767.0f)));
}

/* Four outputs of a channel, or of two that are `distance` apart in memory: then as pairs. Rows are `to_next` apart. */
LKU_AVX2_INLINE __m128i lku_four_outputs(const lku_f32 *const in[4], size_t distance, const lku_f32 *taps,
                                         size_t to_next, size_t num_taps, bool is_pair) {
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a, e = a, f = a, g = a, h = a;
    for (size_t j = 0; j < num_taps; j += LKU_POLYPHASE_LANES) {
        const __m256 first = lku_load(taps + j), second = lku_load(taps + to_next + j);
        const __m256 third = lku_load(taps + 2 * to_next + j), fourth = lku_load(taps + 3 * to_next + j);
        a = lku_multiply_add(lku_load(in[0] + j), first, a);
        b = lku_multiply_add(lku_load(in[1] + j), second, b);
        c = lku_multiply_add(lku_load(in[2] + j), third, c);
        d = lku_multiply_add(lku_load(in[3] + j), fourth, d);
        if (is_pair) {
            e = lku_multiply_add(lku_load(in[0] + distance + j), first, e);
            f = lku_multiply_add(lku_load(in[1] + distance + j), second, f);
            g = lku_multiply_add(lku_load(in[2] + distance + j), third, g);
            h = lku_multiply_add(lku_load(in[3] + distance + j), fourth, h);
        }
    }
    const __m128i left = lku_rounded(lku_sums(a, b, c, d));
    if (!is_pair)
        return _mm_packs_epi32(left, left);
    const __m128i right = lku_rounded(lku_sums(e, f, g, h));
    return _mm_packs_epi32(_mm_unpacklo_epi32(left, right), _mm_unpackhi_epi32(left, right));
}

/* Writes four outputs up to the last one of use; they are `apart` samples apart. */
LKU_AVX2_INLINE void lku_write(__m128i values, size_t last, size_t apart, bool is_pair, lku_s16 *out) {
    if (last == 3 && apart == (is_pair ? 2 : 1)) {
        if (is_pair)
            _mm_storeu_si128((__m128i *)out, values);
        else
            _mm_storel_epi64((__m128i *)out, values);
        return;
    }
    for (size_t i = 0; i <= last; i++) {
        out[0] = (int16_t)_mm_cvtsi128_si32(values);
        if (is_pair)
            out[1] = (int16_t)_mm_extract_epi16(values, 1);
        out += apart;
        values = is_pair ? _mm_srli_si128(values, 4) : _mm_srli_si128(values, 2);
    }
}

/* The last of four outputs, or of fewer where so few are left: it is computed again instead of the others, since there
 * may be no input for more. */
LKU_AVX2_INLINE size_t lku_last_of_four(size_t num_left, size_t apart) {
    return num_left > 3 * apart ? 3 : (num_left - 1) / apart;
}

LKU_AVX2_INLINE void lku_in_order(const lku_polyphase_filter *filter, const lku_f32 *in, size_t distance,
                                  size_t origin, size_t row, size_t num_outputs, size_t num_channels, bool is_pair,
                                  lku_s16 *out) {
    for (size_t k = 0; k < num_outputs; k += 4) {
        const size_t last = lku_last_of_four(num_outputs - k, 1);
        const uint16_t *inputs = filter->inputs + row;
        const lku_f32 *const from[4] = {
            in + (origin + inputs[0]), in + (origin + inputs[lku_min_size(1, last)]),
            in + (origin + inputs[lku_min_size(2, last)]), in + (origin + inputs[last])};
        const lku_f32 *taps = filter->taps + row * filter->num_taps;
        const __m128i four = lku_four_outputs(from, distance, taps, filter->num_taps, filter->num_taps, is_pair);
        lku_write(four, last, num_channels, is_pair, out + k * num_channels);
        for (row += 4; row >= filter->num_phases; row -= filter->num_phases)
            origin += filter->step;
    }
}

LKU_AVX2_INLINE void lku_by_phase(const lku_polyphase_filter *filter, const lku_f32 *in, size_t distance,
                                  size_t origin, size_t row, size_t num_outputs, size_t num_channels, bool is_pair,
                                  lku_s16 *out) {
    const size_t num_phases = filter->num_phases, step = filter->step;

    for (size_t first = 0; first < num_phases; first++) {
        const lku_f32 *taps = filter->taps + row * filter->num_taps, *from = in + (origin + filter->inputs[row]);
        for (size_t k = first; k < num_outputs; k += 4 * num_phases) {
            const size_t last = lku_last_of_four(num_outputs - k, num_phases);
            const lku_f32 *const four_from[4] = {from, from + lku_min_size(1, last) * step,
                                                 from + lku_min_size(2, last) * step, from + last * step};
            const __m128i four = lku_four_outputs(four_from, distance, taps, 0, filter->num_taps, is_pair);
            lku_write(four, last, num_phases * num_channels, is_pair, out + k * num_channels);
            from += 4 * step;
        }
        if (++row == num_phases) {
            row = 0;
            origin += step;
        }
    }
}

/* One channel, or two. */
LKU_AVX2_INLINE void lku_filter_channels(const lku_polyphase_filter *filter, const lku_f32 *in, size_t distance,
                                         size_t origin, size_t row, size_t num_outputs, size_t num_channels,
                                         bool is_pair, lku_s16 *out) {
    if (num_outputs >= 4 * filter->num_phases)
        lku_by_phase(filter, in, distance, origin, row, num_outputs, num_channels, is_pair, out);
    else
        lku_in_order(filter, in, distance, origin, row, num_outputs, num_channels, is_pair, out);
}

/* All channels, which are `distance` apart in memory. As in polyphase.c, row 0 lies at in[origin], modulo 2^64. */
LKU_TARGET_AVX2 static void lku_polyphase_avx2(const lku_polyphase_filter *filter, const lku_f32 *in, size_t distance,
                                               size_t origin, size_t row, size_t num_outputs, size_t num_channels,
                                               lku_s16 *out) {
    size_t channel = 0;
    for (; channel + 2 <= num_channels; channel += 2)
        lku_filter_channels(filter, in + channel * distance, distance, origin, row, num_outputs, num_channels,
                            true, out + channel);
    if (channel < num_channels)
        lku_filter_channels(filter, in + channel * distance, distance, origin, row, num_outputs, num_channels,
                            false, out + channel);
}

#endif
