/* Conversion of the sample rate by a ratio that may change with every input sample, by a bank of FIR filters.
 *
 * Input i has a ratio r[i]: so many outputs lie between it and input i + 1. Output k lies where the sum of the ratios
 * reaches k: behind input i at the distance f = (k - sum(r[0 ... i - 1])) / r[i], 0 <= f < 1. The bank has a row of taps
 * for each of num_phases + 1 distances from 0 to 1. With p and w the whole part and the rest of f * num_phases
 *
 *     out[k] = clamp(round((1 - w) * dot(p) + w * dot(p + 1)))
 *     dot(p) = sum(taps[p][j] * in[i + look_ahead - (num_taps - 1) + j], 0 <= j < num_taps)
 *
 * where the input is silence before its start, and ties round to even. The distance is carried on in double: what comes
 * out does not depend on how a stream is cut into calls. The sums are in float, and always in one order: eight partial
 * sums, of every eighth product each, and then ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). All levels agree to the bit.
 */
#ifndef LKU_VARIABLE_RATIO_H
#define LKU_VARIABLE_RATIO_H

#include "simd.h"

enum {
    LKU_VARIABLE_LANES = 8, /* partial sums; rows of taps are a multiple of it */
    LKU_VARIABLE_MAX_PHASES = 4096,
    LKU_VARIABLE_MAX_TAPS = 65536
};

/* Many converters may share it. */
typedef struct lku_variable_filter {
    const lku_f32 *taps; /* (num_phases + 1) * num_taps, so small that no sum overflows */
    size_t num_taps;     /* of a row */
    size_t num_phases;   /* from 1 */
    size_t look_ahead;   /* inputs after input i that an output needs; from 1, less than num_taps */
} lku_variable_filter;

/* Where an output is computed from. */
typedef struct lku_variable_place {
    size_t in;
    size_t phase;
    float weight; /* of the next phase's row */
} lku_variable_place;

/* One stream. Each channel has `capacity` floats of its own in `memory`: what has come in from `start` on, which is
 * where the first product of the next output lies as far as that is known, up to `end`. `ratios` has their ratios. */
typedef struct lku_variable {
    const lku_variable_filter *filter;
    size_t num_channels;
    lku_f32 *memory;
    double *ratios;
    size_t capacity;
    size_t start;
    size_t end;
    double distance; /* from input i, which the row at `start` is for, to the next output; in outputs */
    double ratio;    /* of the next input; it moves in a straight line */
    double from;
    double to;
    uint64_t ramp_length; /* in inputs */
    uint64_t ramp_done;
} lku_variable;

/* How many floats and how many doubles of memory a stream takes. */
size_t lku_variable_memory(const lku_variable_filter *filter, size_t num_channels);
size_t lku_variable_ratios(const lku_variable_filter *filter);

/* state  [out] at the start of a stream
 * filter [in]  borrowed for as long as the state is used
 * memory [in]  lku_variable_memory(filter, num_channels) floats, likewise
 * ratios [in]  lku_variable_ratios(filter) doubles, likewise
 * ratio  [in]  above 0
 */
void lku_variable_init(lku_variable *state, const lku_variable_filter *filter, size_t num_channels, lku_f32 *memory,
                       double *ratios, double ratio);

/* Back to the start of a stream, with the ratio where its ramp ends. The first output lies `distance` outputs behind
 * the first input, from 0. */
void lku_variable_reset(lku_variable *state, double distance);

/* Moves the ratio to `ratio`, above 0, over the next ramp_length inputs. */
void lku_variable_set_ratio(lku_variable *state, double ratio, uint64_t ramp_length);

/* More frames than a call with samples_per_channel input frames, up to 2^31, may write. No ratio in use, or in what is
 * held, may be above max_ratio. */
size_t lku_variable_max_outputs(const lku_variable *state, size_t samples_per_channel, double max_ratio);

/* in  [in]  samples_per_channel * num_channels samples, interleaved
 * out [out] lku_variable_max_outputs(...) * num_channels samples; must not overlap in
 * returns   how many frames were written
 */
size_t lku_variable_s16(lku_simd simd, lku_variable *state, const lku_s16 *in, size_t samples_per_channel,
                        lku_s16 *out);

/* How many outputs lie between the next one and the end of what has come in; below 0 if the next one lies behind. */
double lku_variable_outputs_left(const lku_variable *state);

#endif
