/* Loudness and true peak of a stream, by Recommendation ITU-R BS.1770-5 and EBU R 128 (Tech 3341, Tech 3342).
 *
 * Loudness: each channel is weighted by frequency (two biquads, "K weighting"), squared, and multiplied by the weight of
 * the channel. Mean squares over hops of 10 ms are kept for the last 3 s: 40 hops are the momentary window, 300 the
 * short-term window. Its loudness is
 *
 *     L = -0.691 + 10 log10(sum over channels of weight * mean square)     full scale is 1.0
 *
 * Every 10 hops, the last 40 are a gating block. Its energy goes into a histogram of bins of 0.01 LU, which keep the
 * exact sum of what they hold: memory does not grow, and the integrated loudness is exact but for blocks that lie in the
 * bin of the relative gate, which are all counted or all left out. So does the energy of the last 300 hops, for the
 * loudness range.
 *
 * K weighting is given for 48 kHz. The analogue filters behind it (a high shelf at 1681.97 Hz, a high-pass at 38.135 Hz)
 * are brought to any rate by the bilinear transform. It is exact for one frequency of each: 997 Hz for the shelf, so that
 * a full-scale sine of 997 Hz in one channel has -3.01 LUFS at any rate, and its own for the high-pass. At 48 kHz the
 * coefficients are those of the Recommendation.
 *
 * True peak (BS.1770-5, Annex 2): the highest absolute value of the samples and of what lies between them, at three
 * places below 96 kHz (4 x oversampling), at one below 192 kHz (2 x), and at none from there on. It is interpolated by
 * a sinc of 16 samples under a Kaiser window; gain within 0.12 dB up to 0.42 of the sample rate.
 *
 * The result does not depend on how the stream is cut into calls. Nothing is allocated.
 */
#ifndef LKU_LOUDNESS_H
#define LKU_LOUDNESS_H

#include "simd.h"

enum {
    LKU_LOUDNESS_MIN_RATE = 8000,
    LKU_LOUDNESS_MAX_RATE = 384000,
    LKU_LOUDNESS_MAX_CHANNELS = 128,
    LKU_LOUDNESS_TAPS = 16,          /* of the interpolation */
    LKU_LOUDNESS_PLACES = 3,         /* between two samples, at most */
    LKU_LOUDNESS_MOMENTARY = 40,     /* hops */
    LKU_LOUDNESS_SHORT_TERM = 300,   /* hops */
    LKU_LOUDNESS_BINS = 10000        /* of 0.01 LU, from -70 LUFS on; what is louder is in the last */
};

/* y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y'' */
typedef struct lku_loudness_biquad {
    double b0, b1, b2, a1, a2;
} lku_loudness_biquad;

/* What one channel remembers of both filters; zeros are silence. */
typedef struct lku_loudness_channel {
    double cells[4];
    double weight;
    double sum;      /* of the squares within the hop that is coming in */
} lku_loudness_channel;

typedef struct lku_loudness {
    uint64_t sample_rate;
    size_t num_channels;
    size_t num_places;
    lku_loudness_biquad shelf;
    lku_loudness_biquad high_pass;
    float taps[LKU_LOUDNESS_PLACES][LKU_LOUDNESS_TAPS];
    float most;                                 /* no interpolated value is so many times the highest sample, or more */
    uint64_t num_hops;                          /* that are complete */
    size_t missing;                             /* samples per channel of the hop that is coming in */
    float peak;                                 /* true peak */
    double hops[LKU_LOUDNESS_SHORT_TERM];       /* weighted sums of squares; hop n is at n % 300 */
    uint64_t num_blocks[LKU_LOUDNESS_BINS];     /* gating blocks */
    double energies[LKU_LOUDNESS_BINS];         /* their sum */
    uint64_t num_windows[LKU_LOUDNESS_BINS];    /* short-term windows */
    double window_energies[LKU_LOUDNESS_BINS];
    lku_loudness_channel *channels;
    float *samples;                             /* interleaved: the last TAPS - 1 of each channel, then a tile */
} lku_loudness;

/* How many bytes the memory of a meter is, the state included. */
size_t lku_loudness_num_bytes(size_t num_channels);

/* Makes a meter. For 5 channels (L R C Ls Rs) and 6 (L R C LFE Ls Rs), the surrounds weigh 1.41 and the LFE nothing; all
 * others weigh 1.
 *
 * memory        lku_loudness_num_bytes(num_channels), aligned for double, borrowed for as long as the meter is used
 * sample_rate   LKU_LOUDNESS_MIN_RATE to LKU_LOUDNESS_MAX_RATE
 * num_channels  1 to LKU_LOUDNESS_MAX_CHANNELS
 */
lku_loudness *lku_loudness_init(void *memory, size_t sample_rate, size_t num_channels);

/* Begins a new stream. */
void lku_loudness_reset(lku_loudness *state);

/* Takes samples_per_channel * num_channels interleaved samples. */
void lku_loudness_push_s16(lku_simd simd, lku_loudness *state, const lku_s16 *samples, size_t samples_per_channel);

/* Does the same for floats; full scale is 1.0. NaN is 0, and what is above 1000 (+60 dB) is 1000. */
void lku_loudness_push_f32(lku_simd simd, lku_loudness *state, const lku_f32 *samples, size_t samples_per_channel);

/* Loudness of the last complete hops in LUFS; before the first sample there was silence, which is -inf. */
double lku_loudness_recent(const lku_loudness *state, size_t num_hops);

/* Loudness of the whole stream in LUFS, gated; -inf if nothing is above -70 LUFS. */
double lku_loudness_integrated(const lku_loudness *state);

/* Loudness range in LU, by Tech 3342; 0 if no short-term window is above -70 LUFS. */
double lku_loudness_range(const lku_loudness *state);

/* The highest true peak so far in dBTP; -inf for silence. What lies between the last 8 samples comes with those that
 * follow. */
double lku_loudness_true_peak(const lku_loudness *state);

#endif
