/* Linear interpolation between two sample rates: quick, and it aliases.
 *
 * Output frame k lies at input position k * input_rate / output_rate, computed in integers, so a stream of any
 * length neither drifts nor depends on how it was cut into calls. Each output is
 *
 *     floor((x[i] * (output_rate - r) + x[i + 1] * r) / output_rate + 1/2)
 *
 * where i and r are quotient and remainder of k * input_rate by output_rate.
 */
#ifndef LKU_LINEAR_H
#define LKU_LINEAR_H

#include "s16.h"

/* Rates up to this keep every intermediate within 64 bits; reduce them by their common divisor first. */
#define LKU_LINEAR_MAX_RATE 1073741823

/* Where the next output lies: `frame` whole input frames and `rest` / output_rate of the next one, counted from the
 * first frame of the coming call's input. */
typedef struct lku_linear {
    uint64_t input_rate;
    uint64_t output_rate;
    uint64_t frame;
    uint64_t rest;
} lku_linear;

/* How many frames a call with samples_per_channel input frames would write. */
size_t lku_linear_num_outputs(const lku_linear *state, size_t samples_per_channel);

/* state        [in/out] left at the position of the next output, relative to the same input
 * in           [in]     samples_per_channel * num_channels samples
 * out          [out]    lku_linear_num_outputs(state, samples_per_channel) * num_channels samples; must not overlap in
 * returns               how many leading input frames will not be needed again; the caller keeps the rest, puts it
 *                       before the next input, and the state counts from there
 */
size_t lku_linear_s16(lku_linear *state, const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                      lku_s16 *out);

#endif
