/* Short spectra of a microphone, of what was made of it, and of a reference: of 20 ms, every 10 ms.
 *
 * Only some bins are wanted. So the sound is dealt out to up to 8 lanes, each of which has a short transform; all lanes
 * and rows are transformed at once, in vectors, and joined in the bins that are wanted (decimation in time).
 */
#ifndef LKU_SHORT_SPECTRUM_H
#define LKU_SHORT_SPECTRUM_H

#include "fft.h"

enum { LKU_SPECTRUM_LANES = 8 };

typedef struct lku_short_spectrum {
    lku_fft fft; /* of (2 * num_channels + 1) * lanes rows */
    size_t num_channels;
    size_t samples_per_channel; /* of a block */
    size_t lanes;               /* 8, or as many as divide samples_per_channel */
    const size_t *bins;
    size_t num_bins;
    float *window; /* 2 * samples_per_channel */
    float *sound;  /* the last two blocks of each row */
    float *turns;  /* of each bin, what turns its lanes before they are added up */
} lku_short_spectrum;

size_t lku_short_spectrum_num_floats(size_t num_channels, size_t samples_per_channel, size_t num_bins);

/* bins: num_bins numbers up to samples_per_channel; memory: zeros. Both are used as long as `state` is. */
void lku_short_spectrum_init(lku_short_spectrum *state, size_t num_channels, size_t samples_per_channel,
                             const size_t *bins, size_t num_bins, float *memory);

/* Takes a block of each, and computes the bins of the spectra of the last two blocks, with a Hann window. The power of
 * a bin is that of a sample, where the sound is white.
 *
 * mic, out, ref [in]  samples_per_channel * num_channels, interleaved; of the reference, the mean of all channels counts
 * spectra       [out] 2 * num_channels + 1 rows of num_bins complex numbers
 */
void lku_short_spectrum_push(lku_simd simd, lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out,
                             const lku_s16 *ref, lku_f32 *spectra);

#endif
