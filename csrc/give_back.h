/* Gives back a part of what a noise suppressor takes from a voice, in blocks of 10 ms.
 *
 * A suppressor lowers each band by its ratio of signal to noise. Where a voice begins or changes, that ratio is known too
 * late, and much of what is taken is voice. A floor under the gain bounds what can be taken (M. Berouti, R. Schwartz and
 * J. Makhoul, "Enhancement of speech corrupted by acoustic noise", ICASSP, 1979); so that it leaves no noise in the pauses,
 * it has to rise with the probability of speech (I. Cohen and B. Berdugo, "Speech enhancement for non-stationary noise
 * environments", Signal Processing 81, 2001). Here that is read from what the suppressor itself has let pass of the block:
 * its gain is that of a Wiener filter, which is near to 1 where there is mostly voice, and small in noise. It ends with the
 * voice, as no probability that is averaged over time does.
 *
 *     gain   = sqrt(power after / power before)
 *     share  = LKU_GIVE_BACK_MOST * clamp((gain - LKU_GIVE_BACK_NOISE) / (LKU_GIVE_BACK_VOICE - LKU_GIVE_BACK_NOISE))
 *     out    = after + share * lowpass(before - after)
 *
 * The share of a block is reached at its end, on a straight line. Most of a voice's power is below 1200 Hz, and so is most
 * of what is taken of it; what lies above, where the noise would be heard beside it, is hardly given back: the low-pass is
 * y = y' + c (x - y'), of LKU_GIVE_BACK_HZ.
 */
#ifndef LKU_GIVE_BACK_H
#define LKU_GIVE_BACK_H

#include "s16.h"

#define LKU_GIVE_BACK_MOST 0.5f
#define LKU_GIVE_BACK_NOISE 0.4f /* -8 dB: above what steady noise keeps */
#define LKU_GIVE_BACK_VOICE 0.8f /* -2 dB */
#define LKU_GIVE_BACK_HZ 1500.0

typedef struct lku_give_back_channel {
    float low;   /* the last output of the low-pass */
    float share; /* at the end of the last block */
} lku_give_back_channel;

typedef struct lku_give_back {
    size_t num_channels;
    size_t samples_per_channel; /* of a block */
    size_t delay;               /* samples by which the suppressor's output is late, as far as the low-pass does not count */
    float fresh;                /* the c of the low-pass */
    lku_s16 *recent;            /* delay + samples_per_channel samples of each channel, interleaved: what it was given */
    lku_give_back_channel *channels;
} lku_give_back;

/* The counts and the delay are set before. recent, channels: zeros; they are used as long as `state` is. */
void lku_give_back_init(lku_give_back *state, double sample_rate, lku_s16 *recent, lku_give_back_channel *channels);

/* Takes a block, and gives back to it. The sum is rounded to nearest, ties to even, and saturated.
 *
 * before [in]     samples_per_channel * num_channels samples, interleaved: what the suppressor was given
 * after  [in/out] as many, which do not overlap them: what it has made of them
 */
void lku_give_back_push(lku_give_back *state, const lku_s16 *before, lku_s16 *after);

#endif
