/* High-pass at 100 Hz: takes away hum, rumble and offset, and leaves the voice.
 *
 * A Butterworth filter of order 4: -24 dB at 50 Hz, -18 dB at 60 Hz, -3 dB at 100 Hz, -0.2 dB at 150 Hz, at any rate.
 * It is a cascade of two biquads, computed in double:
 *
 *     w = 2 pi f / sample_rate, a = sin(w) / (2 Q), c = cos(w)
 *     H(z) = (1 + c) / 2 * (1 - 2 / z + 1 / z^2) / ((1 + a) - 2 c / z + (1 - a) / z^2)
 *
 * (R. Bristow-Johnson, Cookbook formulae for audio EQ biquad filter coefficients, high-pass), with the two Q of the
 * poles of such a filter, 1 / (2 cos(pi / 8)) and 1 / (2 cos(3 pi / 8)). The result is rounded to nearest, ties to
 * even, and saturated.
 */
#ifndef LKU_HIGH_PASS_H
#define LKU_HIGH_PASS_H

#include "s16.h"

#define LKU_HIGH_PASS_HZ 100.0

enum { LKU_HIGH_PASS_BIQUADS = 2 };

/* y = b * (x - 2 x' + x'') - a1 y' - a2 y'' */
typedef struct lku_biquad {
    double b;
    double a1;
    double a2;
} lku_biquad;

typedef struct lku_high_pass {
    lku_biquad biquads[LKU_HIGH_PASS_BIQUADS];
} lku_high_pass;

/* What one channel remembers; zeros are silence. */
typedef struct lku_high_pass_memory {
    double cells[LKU_HIGH_PASS_BIQUADS][2];
} lku_high_pass_memory;

/* sample_rate: above 2 * LKU_HIGH_PASS_HZ. */
void lku_high_pass_init(lku_high_pass *filter, double sample_rate);

/* samples  [in/out] samples_per_channel * num_channels, filtered in place
 * memories [in/out] one for each channel
 */
void lku_high_pass_s16(const lku_high_pass *filter, lku_high_pass_memory *memories, lku_s16 *samples,
                       size_t samples_per_channel, size_t num_channels);

#endif
