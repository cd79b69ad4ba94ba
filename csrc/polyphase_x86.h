/* The filter of polyphase.c for AVX2, by hand, because compilers keep too few partial sums in registers.
 *
 * Four outputs at a time, whose sums across the lanes then take the place of one. Outputs of one phase share the loads
 * of its taps, and loads are what limits the loop: where there are enough of them, they are computed phase by phase
 * instead of in order, in half the time. Multiplication and addition are separate, as in plain C: fused ones would
 * round otherwise. The two must agree to the bit.
 */
#ifndef LKU_POLYPHASE_X86_H
#define LKU_POLYPHASE_X86_H

#include "dot_x86.h"
#include "polyphase.h"

/* Where an output is computed from. */
typedef struct lku_polyphase_place {
    const lku_f32 *in;
    size_t phase;
} lku_polyphase_place;

LKU_INLINE lku_polyphase_place lku_next_place(lku_polyphase_place place, size_t whole, size_t rest,
                                              size_t num_phases) {
    /* Without a branch: it would be taken at random. */
    const size_t phase = place.phase + rest;
    const size_t carry = phase >= num_phases;
    return (lku_polyphase_place){place.in + whole + carry, phase - carry * num_phases};
}

/* Four outputs, whatever their phases. */
LKU_AVX2_INLINE __m128 lku_any_phases(const lku_f32 *const in[4], const lku_f32 *const taps[4], size_t num_taps) {
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
    for (size_t j = 0; j < num_taps; j += LKU_POLYPHASE_LANES) {
        a = lku_multiply_add(lku_load(in[0] + j), lku_load(taps[0] + j), a);
        b = lku_multiply_add(lku_load(in[1] + j), lku_load(taps[1] + j), b);
        c = lku_multiply_add(lku_load(in[2] + j), lku_load(taps[2] + j), c);
        d = lku_multiply_add(lku_load(in[3] + j), lku_load(taps[3] + j), d);
    }
    return lku_sums(a, b, c, d);
}

/* Four outputs of one phase. */
LKU_AVX2_INLINE __m128 lku_one_phase(const lku_f32 *const in[4], const lku_f32 *taps, size_t num_taps) {
    __m256 a = _mm256_setzero_ps(), b = a, c = a, d = a;
    for (size_t j = 0; j < num_taps; j += LKU_POLYPHASE_LANES) {
        const __m256 row = lku_load(taps + j);
        a = lku_multiply_add(lku_load(in[0] + j), row, a);
        b = lku_multiply_add(lku_load(in[1] + j), row, b);
        c = lku_multiply_add(lku_load(in[2] + j), row, c);
        d = lku_multiply_add(lku_load(in[3] + j), row, d);
    }
    return lku_sums(a, b, c, d);
}

LKU_TARGET_AVX2 static void lku_in_order(const lku_polyphase_filter *filter, lku_polyphase_place place,
                                         size_t num_outputs, float *out) {
    const size_t num_phases = filter->num_phases, num_taps = filter->num_taps;
    const size_t whole = filter->step / num_phases, rest = filter->step % num_phases;

    for (size_t k = 0; k < num_outputs; k += 4) {
        const size_t n = lku_min_size(num_outputs - k, 4);
        const lku_f32 *in[4], *taps[4];
        for (size_t i = 0; i < 4; i++) {
            in[i] = place.in;
            taps[i] = filter->taps + place.phase * num_taps;
            if (i + 1 < n) /* where fewer are left, the last one again */
                place = lku_next_place(place, whole, rest, num_phases);
        }
        place = lku_next_place(place, whole, rest, num_phases);
        float four[4];
        _mm_storeu_ps(four, lku_any_phases(in, taps, num_taps));
        for (size_t i = 0; i < n; i++)
            out[k + i] = four[i];
    }
}

LKU_TARGET_AVX2 static void lku_by_phase(const lku_polyphase_filter *filter, lku_polyphase_place place,
                                         size_t num_outputs, float *out) {
    const size_t num_phases = filter->num_phases, num_taps = filter->num_taps;
    const size_t whole = filter->step / num_phases, rest = filter->step % num_phases;

    for (size_t first = 0; first < num_phases; first++) {
        const lku_f32 *taps = filter->taps + place.phase * num_taps;
        const lku_f32 *next = place.in;
        for (size_t k = first; k < num_outputs; k += 4 * num_phases) {
            const size_t n = lku_min_size((num_outputs - k - 1) / num_phases + 1, 4);
            const lku_f32 *in[4];
            for (size_t i = 0; i < 4; i++) {
                in[i] = next;
                if (i + 1 < n)
                    next += filter->step;
            }
            next += filter->step;
            float four[4];
            _mm_storeu_ps(four, lku_one_phase(in, taps, num_taps));
            for (size_t i = 0; i < n; i++)
                out[k + i * num_phases] = four[i];
        }
        place = lku_next_place(place, whole, rest, num_phases);
    }
}

static void lku_polyphase_avx2(const lku_polyphase_filter *filter, const lku_f32 *in, size_t phase,
                               size_t num_outputs, float *out) {
    const lku_polyphase_place place = {in, phase};
    if (num_outputs >= 4 * filter->num_phases)
        lku_by_phase(filter, place, num_outputs, out);
    else
        lku_in_order(filter, place, num_outputs, out);
}

#endif
