/* Adds sound that is given as spectra of 20 ms to blocks of 10 ms. */
#ifndef LKU_OVERLAP_ADD_H
#define LKU_OVERLAP_ADD_H

#include "fft.h"

typedef struct lku_overlap_add {
    lku_fft fft; /* of num_channels rows */
    size_t num_channels;
    size_t samples_per_channel; /* of a block */
    float *fade;                /* 2 * samples_per_channel */
    float *tail;                /* the second half of the last spectrum's sound, interleaved */
} lku_overlap_add;

size_t lku_overlap_add_num_floats(size_t num_channels, size_t samples_per_channel);

/* memory: zeros; it is used as long as `state` is. */
void lku_overlap_add_init(lku_overlap_add *state, size_t num_channels, size_t samples_per_channel, float *memory);

/* Adds the first half of a spectrum's sound, and the second half of that before. Both are faded by a half period of a
 * sine, so that the power of noise stays the same. The sum is rounded to nearest and saturated.
 *
 * spectrum [in]     num_channels rows of samples_per_channel + 1 complex numbers; NULL is silence
 * samples  [in/out] samples_per_channel * num_channels, interleaved
 */
void lku_overlap_add_push(lku_simd simd, lku_overlap_add *state, const lku_f32 *spectrum, lku_s16 *samples);

#endif
