/* Chroma, or any channel, at another resolution and depth.
 *
 * The form between is a sum: four times the mean of the values that a value stands for, exact. A value of 10 bits counts
 * as 1023 if it is larger. Inputs and outputs do not overlap, but the two rows of an input may be one.
 */
#ifndef LKU_CHROMA_H
#define LKU_CHROMA_H

#include "picture.h"
#include "simd.h"

/* 2 * (above[i] + below[i]) */
void lku_sum_rows_u8(lku_simd simd, const uint8_t *above, const uint8_t *below, size_t num_values, uint16_t *sums);
void lku_sum_rows_u10(lku_simd simd, const lku_u16 *above, const lku_u16 *below, size_t num_values, uint16_t *sums);

/* The sums over squares of two by two: half as many, rounded up. The last column of an odd number counts twice. */
void lku_sum_squares_u8(lku_simd simd, const uint8_t *above, const uint8_t *below, size_t num_values, uint16_t *sums);
void lku_sum_squares_u10(lku_simd simd, const lku_u16 *above, const lku_u16 *below, size_t num_values, uint16_t *sums);

/* Each value twice: num_values values, from half as many, rounded up. */
void lku_double_u8(lku_simd simd, const uint8_t *in, size_t num_values, uint8_t *out);
void lku_double_u16(lku_simd simd, const uint16_t *in, size_t num_values, uint16_t *out);

/* The values of 10 bits, none above 1023. */
void lku_limit_u10(lku_simd simd, const lku_u16 *in, size_t num_values, lku_u16 *out);

/* From sums to values: (sum * factor + offset) >> 15, and no less than 0 and no more than the depth allows. */
typedef struct lku_depth_change {
    uint16_t factor;
    int32_t offset; /* with what rounds to nearest */
} lku_depth_change;

/* From a depth of 8 or 10 bits to a depth of 8 or 10 bits. Limited range shifts the bits; full range has 255 and 1023 in
 * common, and for chroma (`is_chroma`) 128 and 512. */
lku_depth_change lku_depth_change_make(int from_bits, int to_bits, int is_chroma, int full_range);

void lku_sums_to_u8(lku_simd simd, const uint16_t *sums, size_t num_values, lku_depth_change change, uint8_t *out);
void lku_sums_to_u10(lku_simd simd, const uint16_t *sums, size_t num_values, lku_depth_change change, lku_u16 *out);

#endif
