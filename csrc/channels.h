/* One channel to many, many to one. */
#ifndef LKU_CHANNELS_H
#define LKU_CHANNELS_H

#include "simd.h"

/* Copies every mono sample to all channels.
 * in  [in]  num_frames samples
 * out [out] num_frames * num_channels samples; must not overlap in
 */
void lku_upmix_s16(lku_simd simd, const lku_s16 *in, size_t num_frames, size_t num_channels, lku_s16 *out);

/* Averages the channels of every frame, rounded to the nearest integer (ties up).
 * in  [in]  num_frames * num_channels samples; num_channels is 1 to 32768
 * out [out] num_frames samples; must not overlap in
 */
void lku_downmix_s16(lku_simd simd, const lku_s16 *in, size_t num_frames, size_t num_channels, lku_s16 *out);

#endif
