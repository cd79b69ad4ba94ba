/* A sine wave as int16 samples, each within one step of the ideal. */
#ifndef LKU_SINE_H
#define LKU_SINE_H

#include "simd.h"

/* out[i] = round(peak * sin(2 pi (phase_turns + i * step_turns)))
 *
 * peak        [in]  0 to 32767
 * phase_turns [in]  phase of the first sample, in turns (1.0 is a full period); best within 0 to 1
 * step_turns  [in]  frequency / sample rate
 * out         [out] num_samples
 */
void lku_sine_s16(lku_simd simd, double peak, double phase_turns, double step_turns, size_t num_samples,
                  lku_s16 *out);

#endif
