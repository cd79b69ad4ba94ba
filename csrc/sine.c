#include "sine.h"

#include <math.h>

/* LANES neighbouring samples turn together by LANES steps at a time. The error of a rotation is some 1e-16, so that
 * over TILE samples it stays far below half a step of 1/32768; then the phase is taken afresh. */
enum { LANES = 8, TILE = 4096 };

static const double TWO_PI = 6.283185307179586476925286766559;

LKU_INLINE void sine_body(double *LKU_RESTRICT re, double *LKU_RESTRICT im, double turn_re, double turn_im,
                          size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    for (size_t start = 0; start < num_samples; start += LANES) {
        int16_t block[LANES];
        for (size_t j = 0; j < LANES; j++) {
            const double next_re = re[j] * turn_re - im[j] * turn_im;
            const double next_im = im[j] * turn_re + re[j] * turn_im;
            /* 1.5 * 2^52 rounds to an integer, ties to even, as in convert.c. */
            block[j] = (int16_t)(int32_t)((im[j] + 6755399441055744.0) - 6755399441055744.0);
            re[j] = next_re;
            im[j] = next_im;
        }
        const size_t n = lku_min_size(num_samples - start, LANES);
        for (size_t j = 0; j < n; j++)
            out[start + j] = block[j];
    }
}

LKU_KERNEL_VARIANTS(sine,
                    (double *LKU_RESTRICT re, double *LKU_RESTRICT im, double turn_re, double turn_im,
                     size_t num_samples, lku_s16 *LKU_RESTRICT out),
                    (re, im, turn_re, turn_im, num_samples, out))

void lku_sine_s16(lku_simd simd, double peak, double phase_turns, double step_turns, size_t num_samples,
                  lku_s16 *out) {
    const double turn = fmod(LANES * step_turns, 1.0) * TWO_PI;
    const double turn_re = cos(turn);
    const double turn_im = sin(turn);

    for (size_t start = 0; start < num_samples; start += TILE) {
        double re[LANES];
        double im[LANES];
        for (size_t j = 0; j < LANES; j++) {
            const double angle = fmod(phase_turns + (double)(start + j) * step_turns, 1.0) * TWO_PI;
            re[j] = peak * cos(angle);
            im[j] = peak * sin(angle);
        }
        LKU_KERNEL_CALL(sine, simd, (re, im, turn_re, turn_im, lku_min_size(num_samples - start, TILE), out + start));
    }
}
