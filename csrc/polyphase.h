/* Conversion between two sample rates of a fixed ratio of small numbers, by a bank of FIR filters.
 *
 * Output k lies at input position k * step / num_phases; with i and p the quotient and the remainder of that division
 *
 *     out[k] = clamp(round(sum(taps[p][j] * in[i + look_ahead - (num_taps - 1) + j], 0 <= j < num_taps)))
 *
 * where the input is silence before its start, and ties round to even. Positions are computed in integers, so a
 * stream of any length does not drift, and what comes out does not depend on how it was cut into calls.
 *
 * The sum is in float, and always in one order: eight partial sums, of every eighth product each, and then
 * ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). All levels agree to the bit.
 */
#ifndef LKU_POLYPHASE_H
#define LKU_POLYPHASE_H

#include "simd.h"

enum {
    LKU_POLYPHASE_LANES = 8,        /* partial sums; rows of taps are a multiple of it */
    LKU_POLYPHASE_SPARE_ROWS = 3,   /* rows that follow the last one: the first ones again */
    LKU_POLYPHASE_MAX_RATIO = 2560, /* of step and of num_phases: 11025 to 192000 Hz is 147 to 2560 */
    LKU_POLYPHASE_MAX_TAPS = 65536
};

/* One row of taps for each place that an output can have between two inputs. Many converters may share it.
 *
 * Output k takes row k modulo num_phases: rows lie in the order of the outputs, so that memory is read from front to
 * back, and any four outputs have four rows side by side.
 */
typedef struct lku_polyphase_filter {
    const lku_f32 *taps;    /* num_phases + LKU_POLYPHASE_SPARE_ROWS rows */
    const uint16_t *inputs; /* how many inputs each row lies behind the first one */
    size_t num_taps;        /* of a row; more than step / num_phases */
    size_t num_phases;      /* the output rate, and */
    size_t step;            /* the input rate, without their common divisor */
    size_t look_ahead;      /* inputs after position i that an output needs; less than num_taps */
} lku_polyphase_filter;

/* One stream. Each channel has `capacity` floats of its own in `memory`: what has come in from `start` on, which is
 * where the first product of the next output lies, up to `end`. */
typedef struct lku_polyphase {
    const lku_polyphase_filter *filter;
    size_t num_channels;
    lku_f32 *memory;
    size_t capacity;
    size_t start;
    size_t end;
    size_t row; /* of the next output */
} lku_polyphase;

/* Brings the rows into the order of the outputs.
 *
 * filter [in]  all but taps and inputs
 *        [out] taps and inputs as well, which stay borrowed
 * phases [in]  num_phases * num_taps, row by row: row p is taps[p] of the sum above; so small that no sum overflows
 * taps   [out] (num_phases + LKU_POLYPHASE_SPARE_ROWS) * num_taps
 * inputs [out] num_phases + LKU_POLYPHASE_SPARE_ROWS
 */
void lku_polyphase_arrange(lku_polyphase_filter *filter, const lku_f32 *phases, lku_f32 *taps, uint16_t *inputs);

/* How many floats of memory a stream takes. */
size_t lku_polyphase_memory(const lku_polyphase_filter *filter, size_t num_channels);

/* state  [out] at the start of a stream
 * filter [in]  borrowed for as long as the state is used
 * memory [in]  lku_polyphase_memory(filter, num_channels) floats, likewise
 */
void lku_polyphase_init(lku_polyphase *state, const lku_polyphase_filter *filter, size_t num_channels,
                        lku_f32 *memory);

/* Back to the start of a stream. */
void lku_polyphase_reset(lku_polyphase *state);

/* How many frames a call with samples_per_channel input frames, up to 2^31, would write. */
size_t lku_polyphase_num_outputs(const lku_polyphase *state, size_t samples_per_channel);

/* in  [in]  samples_per_channel * num_channels samples, interleaved
 * out [out] lku_polyphase_num_outputs(state, samples_per_channel) * num_channels samples; must not overlap in
 */
void lku_polyphase_s16(lku_simd simd, lku_polyphase *state, const lku_s16 *in, size_t samples_per_channel,
                       lku_s16 *out);

#endif
