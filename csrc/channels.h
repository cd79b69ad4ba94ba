/* One channel to many, many to one. */
#ifndef LKU_CHANNELS_H
#define LKU_CHANNELS_H

#include "simd.h"

/* Copies every mono sample to all channels.
 * in  [in]  samples_per_channel samples
 * out [out] samples_per_channel * num_channels samples; must not overlap in
 */
void lku_upmix_s16(lku_simd simd, const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_s16 *out);

/* Averages the channels of every frame, rounded to the nearest integer (ties up).
 * in  [in]  samples_per_channel * num_channels samples; num_channels is 1 to 32768
 * out [out] samples_per_channel samples; must not overlap in
 */
void lku_downmix_s16(lku_simd simd, const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_s16 *out);

#endif
