/* Many blocks of samples into one sum, saturated once.
 *
 * The result is exact: it does not depend on the order of the inputs or on their number, and a later input can
 * bring an overflowing sum back into range (30000 + 30000 - 30000 is 30000). With every gain at LKU_GAIN_UNITY
 * it is the plain integer sum, clamped; otherwise
 *
 *     out = clamp(floor(sum(sample * gain) / 2^24 + 1/2))
 *
 * over 64-bit integers. An input may have a shape (mix_shape.h), which multiplies its gain.
 *
 * For many mixes of the same inputs, each without some of them, the sum is made once (lku_mix_sum), and what each is to
 * do without is subtracted from it (lku_mix_less). The result is that of lku_mix_s16 over the others, to the bit.
 */
#ifndef LKU_MIX_H
#define LKU_MIX_H

#include "mix_shape.h"
#include "simd.h"

/* Gains are fixed-point numbers with 24 fractional bits: -128 to just under +128 (+42 dB). */
#define LKU_GAIN_BITS 24
#define LKU_GAIN_UNITY ((int32_t)1 << LKU_GAIN_BITS)

/* The sums stay exact while the absolute gains of all inputs add up to less than this (as plain numbers). */
#define LKU_MIX_MAX_TOTAL_GAIN 16777215.0

/* More channels than this do not fit a tile of the gain path. */
#define LKU_MIX_MAX_CHANNELS 128

typedef struct lku_mix_input {
    const lku_s16 *samples; /* samples_per_channel * num_channels, interleaved */
    int32_t gain;           /* from the end of the ramp on */
    int32_t gain_from;      /* where the ramp began; from there it moves to `gain` in a straight line */
    uint32_t ramp_length;   /* length of the whole ramp; 0: no ramp, gain_from is not read */
    uint32_t ramp_position; /* how much of it has gone by before frame 0 */
    const lku_mix_shape *shape; /* what lies on it besides; NULL: nothing */
} lku_mix_input;

/* The gain at a frame of a ramp; at and after ramp_length it is `gain`. */
int32_t lku_mix_ramp_gain(int32_t gain_from, int32_t gain, uint32_t ramp_length, uint32_t frame);

/* inputs       [in]  num_inputs of them; 0 inputs give silence
 * num_channels [in]  1 to LKU_MIX_MAX_CHANNELS
 * out          [out] samples_per_channel * num_channels samples; must not overlap any input
 */
void lku_mix_s16(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                 size_t num_channels, lku_s16 *out);

/* The sum alone, with LKU_GAIN_BITS fractional bits, neither rounded nor saturated.
 *
 * sum          [out] samples_per_channel * num_channels values
 */
void lku_mix_sum(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                 size_t num_channels, int64_t *sum);

/* A sum less some of its inputs, rounded and saturated.
 *
 * sum          [in]  as lku_mix_sum has it
 * inputs       [in]  what to subtract; 0 inputs leave the whole sum
 * out          [out] as of lku_mix_s16
 */
void lku_mix_less(lku_simd simd, const int64_t *sum, const lku_mix_input *inputs, size_t num_inputs,
                  size_t samples_per_channel, size_t num_channels, lku_s16 *out);

/* lku_mix_less, neither rounded nor saturated; `rest` must not overlap `sum`. */
void lku_mix_rest(lku_simd simd, const int64_t *sum, const lku_mix_input *inputs, size_t num_inputs,
                  size_t samples_per_channel, size_t num_channels, int64_t *rest);

#endif
