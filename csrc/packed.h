/* Rows of packed pixels, taken apart into one row per channel and put together again.
 *
 * Channels are in the order of memory. Inputs and outputs do not overlap.
 */
#ifndef LKU_PACKED_H
#define LKU_PACKED_H

#include "simd.h"

void lku_split2(lku_simd simd, const uint8_t *in, size_t num_pixels, uint8_t *const out[2]);
void lku_split3(lku_simd simd, const uint8_t *in, size_t num_pixels, uint8_t *const out[3]);
void lku_split4(lku_simd simd, const uint8_t *in, size_t num_pixels, uint8_t *const out[4]);

void lku_merge2(lku_simd simd, const uint8_t *const in[2], size_t num_pixels, uint8_t *out);
void lku_merge3(lku_simd simd, const uint8_t *const in[3], size_t num_pixels, uint8_t *out);
void lku_merge4(lku_simd simd, const uint8_t *const in[4], size_t num_pixels, uint8_t *out);

#endif
