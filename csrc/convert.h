/* int16 samples to float32 and back.
 *
 * Full scale is 32768: -32768 is -1.0 and 32767 is just under 1.0. Going back, a value is rounded to the nearest
 * integer (ties to even) and saturated; a NaN becomes 0. Hence int16 -> float32 -> int16 changes nothing.
 */
#ifndef LKU_CONVERT_H
#define LKU_CONVERT_H

#include "simd.h"

/* out [out] num_samples; must not overlap in. */
void lku_s16_to_f32(lku_simd simd, const lku_s16 *in, size_t num_samples, lku_f32 *out);

/* Returns how many values were saturated: those that round to beyond full scale, infinity included, and every NaN. */
size_t lku_f32_to_s16(lku_simd simd, const lku_f32 *in, size_t num_samples, lku_s16 *out);

#endif
