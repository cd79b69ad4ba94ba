/* Short spectra of a microphone, of what was made of it, and of a reference: of 20 ms, every 10 ms. */
#ifndef LKU_SHORT_SPECTRUM_H
#define LKU_SHORT_SPECTRUM_H

#include "fft.h"

typedef struct lku_short_spectrum {
    lku_fft fft; /* of 2 * num_channels + 1 rows */
    size_t num_channels;
    size_t samples_per_channel; /* of a block */
    float *window;              /* 2 * samples_per_channel */
    float *sound;               /* the last two blocks, rows interleaved */
} lku_short_spectrum;

size_t lku_short_spectrum_num_floats(size_t num_channels, size_t samples_per_channel);

/* memory: zeros; it is used as long as `state` is. */
void lku_short_spectrum_init(lku_short_spectrum *state, size_t num_channels, size_t samples_per_channel, float *memory);

/* Takes a block of each, and computes some bins of the spectra of the last two blocks, with a Hann window. The power of
 * a bin is that of a sample, where the sound is white.
 *
 * mic, out, ref [in]  samples_per_channel * num_channels, interleaved; of the reference, the mean of all channels counts
 * bins          [in]  num_bins numbers up to samples_per_channel
 * spectra       [out] 2 * num_channels + 1 rows of num_bins complex numbers
 */
void lku_short_spectrum_push(lku_simd simd, lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out,
                             const lku_s16 *ref, const size_t *bins, size_t num_bins, lku_f32 *spectra);

#endif
