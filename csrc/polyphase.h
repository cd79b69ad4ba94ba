/* Conversion between two sample rates of a fixed ratio of small numbers, by a bank of FIR filters, in integers.
 *
 * Output k lies at input position k * step / num_phases; with i and p the quotient and the remainder of that division
 *
 *     sum    = sum(taps[p][j] * in[i + look_ahead - (num_taps - 1) + j], 0 <= j < num_taps)
 *     out[k] = clamp(floor(sum / 2^fraction_bits + 1/2))
 *
 * where the input is silence before its start. Positions are computed in integers, so a stream of any length does not
 * drift, and what comes out does not depend on how it was cut into calls. The sum is exact: all levels agree to the
 * bit, in whatever order they add.
 *
 * Processors multiply int16 fastest, and add the products up in int32. Taps are finer than int16 where they are large,
 * and int32 is too narrow for the sum. So a row is cut into runs:
 *
 * - the fine runs, one after the other, are of all taps. Each is as long as no sum of its products can leave int32.
 * - the coarse run is of the middle, where taps are large: it has the upper bits of each, the fine runs the lower ones.
 *
 * Four outputs that follow each other, a quad, share one window of the input. Their taps lie side by side, moved to
 * where each output's inputs are in the window: four inputs at a time, with four taps of each output.
 */
#ifndef LKU_POLYPHASE_H
#define LKU_POLYPHASE_H

#include <stdbool.h>

#include "simd.h"

enum {
    LKU_POLYPHASE_QUAD = 4,         /* outputs that share a window, and inputs of a step */
    LKU_POLYPHASE_COARSE_BITS = 13, /* behind the point; the least for fraction_bits, too */
    LKU_POLYPHASE_MAX_BITS = 28,
    LKU_POLYPHASE_MAX_RATIO = 2560, /* of step and of num_phases: 11025 to 192000 Hz is 147 to 2560 */
    LKU_POLYPHASE_MAX_TAPS = 65536
};

/* Steps of a window, one after the other. */
typedef struct lku_polyphase_run {
    uint32_t first;
    uint32_t num_steps;
} lku_polyphase_run;

/* Many converters may share it. The rows of outputs repeat after num_phases; there are more of them where that would
 * leave few quads. */
typedef struct lku_polyphase_filter {
    size_t num_taps;        /* of a row; more than step / num_phases */
    size_t num_phases;      /* the output rate, and */
    size_t step;            /* the input rate, without their common divisor */
    size_t look_ahead;      /* inputs after position i that an output needs; less than num_taps */
    unsigned fraction_bits; /* of the taps */

    size_t num_rows;  /* a multiple of num_phases */
    size_t num_quads; /* those of the rows, and one more that goes on */
    size_t num_steps; /* of the window */
    size_t reach;     /* inputs from the window of one quad to the end of the next one's */

    lku_polyphase_run coarse; /* perhaps of no steps */
    size_t num_fine;
    const lku_polyphase_run *fine;
    size_t num_values;      /* of taps in a quad: 16 for each step of the coarse run, and then of the fine ones */
    const int16_t *taps;    /* num_quads * num_values */
    const uint32_t *inputs; /* how many inputs the window of each quad lies behind the first one */
} lku_polyphase_filter;

/* One stream. Each channel has `capacity` samples of its own in `memory`: what has come in, up to `end`. */
typedef struct lku_polyphase {
    const lku_polyphase_filter *filter;
    size_t num_channels;
    int16_t *memory;
    size_t capacity;
    ptrdiff_t origin; /* where row 0 begins; before the memory, if those inputs are gone */
    size_t end;
    size_t row; /* of the next output */
} lku_polyphase;

/* filter [in]  num_taps, num_phases, step
 *        [out] num_rows, num_quads, num_steps, reach
 */
void lku_polyphase_measure(lku_polyphase_filter *filter);

/* Cuts the rows into runs. Returns false if that is impossible: the sum of the taps of a row, each without its sign, is
 * to be less than 6, and no tap more than 3.
 *
 * filter [in]  as it was measured, fraction_bits
 *        [out] coarse, fine, num_fine, num_values; fine stays borrowed
 * phases [in]  num_phases * num_taps, row by row: row p is taps[p] of the sum above
 * fine   [out] room for num_steps
 * scratch [tmp] num_steps + 8 * num_quads
 */
bool lku_polyphase_cut(lku_polyphase_filter *filter, const int32_t *phases, lku_polyphase_run *fine, uint32_t *scratch);

/* Brings the taps into the order of their use.
 *
 * filter [in]  as it was cut
 *        [out] taps, inputs; stay borrowed
 * phases [in]  as above
 * taps   [out] num_quads * num_values, 32-byte aligned
 * inputs [out] num_quads
 */
void lku_polyphase_arrange(lku_polyphase_filter *filter, const int32_t *phases, int16_t *taps, uint32_t *inputs);

/* How many samples of memory a stream takes. */
size_t lku_polyphase_memory(const lku_polyphase_filter *filter, size_t num_channels);

/* state  [out] at the start of a stream
 * filter [in]  as it was arranged; borrowed for as long as the state is used
 * memory [in]  lku_polyphase_memory(filter, num_channels) samples, likewise
 */
void lku_polyphase_init(lku_polyphase *state, const lku_polyphase_filter *filter, size_t num_channels,
                        int16_t *memory);

/* Back to the start of a stream. */
void lku_polyphase_reset(lku_polyphase *state);

/* Where in the memory of each channel the first product of the next output lies. */
size_t lku_polyphase_start(const lku_polyphase *state);

/* How many frames a call with samples_per_channel input frames, up to 2^31, would write. */
size_t lku_polyphase_num_outputs(const lku_polyphase *state, size_t samples_per_channel);

/* in  [in]  samples_per_channel * num_channels samples, interleaved
 * out [out] lku_polyphase_num_outputs(state, samples_per_channel) * num_channels samples; must not overlap in
 */
void lku_polyphase_s16(lku_simd simd, lku_polyphase *state, const lku_s16 *in, size_t samples_per_channel,
                       lku_s16 *out);

#endif
