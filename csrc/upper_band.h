/* What lies above the band of an echo canceller, lowered as much as an echo in it asks for.
 *
 * The canceller works on a low band. The upper band is what the microphone has besides it. It is lowered by one and a half
 * times as many decibels as the canceller lowers the top of the low band: its gain is the share of the power that is left
 * of the samples' second difference, which rises by 12 dB per octave, to the power of 3/4. Once would leave more of an
 * echo than the canceller does where it knows all of the band, twice would take more of a voice. Where the echo lies above
 * the low band alone, that share tells nothing of it. So the gain is 0 where the microphone's power up there is less than
 * LKU_UPPER_ECHO times that of the echo, and is at most what rises from there to 1 at LKU_UPPER_CLEAR times.
 *
 * A block of 10 ms has LKU_UPPER_PARTS gains, each at the end of its part of the block. The gain between them lies on a
 * straight line. Powers are averaged over some 5 ms.
 */
#ifndef LKU_UPPER_BAND_H
#define LKU_UPPER_BAND_H

#include "simd.h"

enum { LKU_UPPER_PARTS = 4 };

#define LKU_UPPER_MEMORY 0.5 /* per part */
#define LKU_UPPER_ECHO 2.0f
#define LKU_UPPER_CLEAR 10.0f

/* Of one channel. */
typedef struct lku_upper_channel {
    int32_t before[2], after[2]; /* the last two samples of the low band, before and after the canceller */
    double power_before, power_after;
    float gains[1 + LKU_UPPER_PARTS]; /* at the end of the last block, and of each part of this one */
} lku_upper_channel;

typedef struct lku_upper_band {
    size_t num_channels;
    size_t low_per_channel;     /* samples of a block of the low band, at least LKU_UPPER_PARTS */
    size_t samples_per_channel; /* of a block of the microphone, likewise */
    size_t num_bins;            /* of a spectrum */
    size_t first_bin;           /* the first one that counts for the upper band; num_bins at most */
    lku_upper_channel *channels;
} lku_upper_band;

/* Sets the gains to 1. The counts are set before; `channels` is memory for num_channels of them, and used as long as
 * `state` is. */
void lku_upper_band_init(lku_upper_band *state, lku_upper_channel *channels);

/* Finds the gains of a block.
 *
 * before [in] low_per_channel * num_channels samples, interleaved: what the canceller was given, delayed as much as it
 *             delays
 * after  [in] as many that the canceller has made of them
 * mic    [in] num_channels rows of num_bins complex numbers: the spectrum of the microphone
 * echo   [in] num_channels rows of num_bins powers: the echo in it; NULL if there is none
 */
void lku_upper_band_listen(lku_upper_band *state, const lku_s16 *before, const lku_s16 *after, const lku_f32 *mic,
                           const lku_f32 *echo);

/* Adds the upper band to a block of the canceller's output, with those gains. The sum is rounded to nearest, ties to
 * even, and saturated. With gains of 1, and where the canceller has changed nothing, it is the microphone's sound.
 *
 * mic [in]     samples_per_channel * num_channels samples, interleaved: the microphone
 * low [in]     as many: the low band of it, before the canceller
 * out [in/out] as many: the low band after the canceller; it overlaps neither
 */
void lku_upper_band_add(lku_simd simd, const lku_upper_band *state, const lku_s16 *mic, const lku_s16 *low, lku_s16 *out);

#endif
