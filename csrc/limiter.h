/* A look-ahead peak limiter for the 64-bit sums of a mix.
 *
 * The sums come with LKU_GAIN_BITS fractional bits (mix.h); 8 of them are kept, and what is above 256 times full scale
 * is clipped to that. Each frame needs a gain that brings its loudest channel to the ceiling:
 *
 *     need = 1 - limit / peak where the peak is above the limit, else 0
 *
 * The reduction is made of the needs in three steps, with L for the look-ahead in frames:
 *
 *     held    the greatest need of the last L frames
 *     falling the greater of `held` and of its own last value, which loses 1 / release of itself per frame
 *     smooth  the mean of the last L values of `falling`: attack and release have no corners
 *
 * It is applied to the frame of L - 1 frames before. Every value in that mean is at least the need of that frame, so
 * no sample is above the ceiling. This is the usual design of minimum filter and moving average (P. Hämäläinen,
 * "Smoothing of the control signal without clipped output in digital peak limiters", DAFx 2002), all in integers: the
 * result does not depend on how the sums are cut into calls.
 *
 * Without a reduction, the output is floor(sum / 2^24 + 1/2), saturated, as that of lku_mix_s16. A sum that this brings
 * to the ceiling or below is not above the limit.
 */
#ifndef LKU_LIMITER_H
#define LKU_LIMITER_H

#include "simd.h"

#define LKU_LIMITER_MAX_LOOK_AHEAD 4096

/* Reductions are fixed-point numbers from 0 to less than this. */
#define LKU_LIMITER_UNITY ((uint32_t)1 << 30)

/* The least ceiling: -60 dBFS. */
#define LKU_LIMITER_MIN_CEILING 32

typedef struct lku_limiter {
    size_t num_channels;
    size_t look_ahead;   /* L, frames */
    int32_t limit;       /* the ceiling with 8 fractional bits; all that is rounded to the ceiling is within it */
    uint32_t release;    /* the part of `falling` that is lost per frame, in 2^-32 */
    uint64_t reciprocal; /* 2^32 / L, rounded up */
    uint32_t most;       /* the greatest reduction of the last call */

    uint64_t sum;     /* of `smoothed` */
    uint32_t falling; /* the last value */
    size_t place;     /* in `smoothed`, of the oldest value */
    uint32_t now;     /* number of the frame, for `peak_at` */
    size_t first;     /* the oldest of the peaks */
    size_t num_peaks;

    int32_t *delayed;   /* L - 1 frames, and room for a tile behind them */
    uint32_t *smoothed; /* the last L values of `falling` */
    uint32_t *peaks;    /* a queue of needs that may still become the greatest, each above all that follow */
    uint32_t *peak_at;  /* the frames of these */
} lku_limiter;

/* Returns how many int32_t the memory has. */
size_t lku_limiter_num_values(size_t num_channels, size_t look_ahead);

/* ceiling         LKU_LIMITER_MIN_CEILING to 32768, which is full scale
 * look_ahead      1 to LKU_LIMITER_MAX_LOOK_AHEAD frames; the output is look_ahead - 1 frames late
 * release_frames  time constant of the release, from 1
 * memory          zeros; it is used as long as `state` is
 */
void lku_limiter_init(lku_limiter *state, size_t num_channels, int32_t ceiling, size_t look_ahead,
                      double release_frames, int32_t *memory);

/* sums [in]  samples_per_channel * num_channels sums, interleaved, without a half for rounding
 * out  [out] as many samples; those of the first look_ahead - 1 frames are silence
 */
void lku_limiter_s16(lku_simd simd, lku_limiter *state, const int64_t *sums, size_t samples_per_channel, lku_s16 *out);

#endif
