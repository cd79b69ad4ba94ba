/* The noise that is missing in the output of an echo canceller, as a spectrum to be added.
 *
 * A canceller lowers everything while it suppresses an echo. What is missing of the room's noise is as much as was
 * removed of the microphone's sound, but not above the noise. The canceller's output lags its input by about a block of
 * 10 ms, so it is compared with the block before. Powers are averaged over some 15 ms.
 */
#ifndef LKU_NOISE_FILL_H
#define LKU_NOISE_FILL_H

#include "bin_power.h"

#define LKU_FILL_MEMORY 0.5f /* per block */

/* Missing noise below this mean square of a sample is not heard. */
#define LKU_FILL_LEAST 0.003f

typedef struct lku_noise_fill {
    size_t num_channels;
    size_t num_bins;
    uint32_t random;
    /* Rows of num_channels * num_bins powers. */
    float *mic;
    float *before; /* `mic`, a block before */
    float *out;
    float *missing;
} lku_noise_fill;

/* Returns how many floats the memory has. */
size_t lku_noise_fill_num_floats(size_t num_channels, size_t num_bins);

/* memory: zeros; it is used as long as `state` is. */
void lku_noise_fill_init(lku_noise_fill *state, size_t num_channels, size_t num_bins, float *memory);

/* Takes the spectra of a block, and returns the greatest power that is missing in it.
 *
 * mic, out [in] num_channels rows of num_bins complex numbers: microphone and output
 * noise     [in] num_channels rows of num_bins powers: that of the room
 */
float lku_noise_fill_push(lku_noise_fill *state, const lku_f32 *mic, const lku_f32 *out, const lku_f32 *noise);

/* Makes a spectrum of random phases with the powers that are missing. Bins between those that are known lie on a
 * straight line between them.
 *
 * places     [in]  num_bins numbers, at least 2, each above the one before, the last one num_places - 1: where each bin
 *                  lies in a row of `spectrum`. Below the first there is no noise.
 * scale            the amplitude for a power of 1
 * spectrum   [out] num_channels rows of num_places complex numbers
 */
void lku_noise_fill_make(lku_noise_fill *state, const size_t *places, float scale, size_t num_places, lku_f32 *spectrum);

#endif
