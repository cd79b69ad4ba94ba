/* Rows of red, green and blue to rows of Y, U and V, and back, by one matrix of weights.
 *
 * Arithmetic is on 16 bits: products keep their high half, with 8 (6 for outputs of 10 bits) bits behind the point
 * towards Y, U and V, and 5 towards red, green and blue. Results are within 0.55 of the formula in float64 before the
 * rounding, for every input, and grey has no colour.
 */
#ifndef LKU_YUV_H
#define LKU_YUV_H

#include "picture.h"
#include "simd.h"

typedef struct lku_yuv_matrix {
    /* towards Y, U and V; the signs of chroma are in the code */
    uint16_t y_r, y_g, y_b, u_r, u_g, u_b, v_r, v_g, v_b;
    uint16_t y_offset, uv_offset; /* with what rounds to nearest */
    /* towards red, green and blue */
    uint16_t y;
    int16_t r_v, g_u, g_v, b_u;
    int16_t r_offset, g_offset, b_offset;
    int bits; /* of Y, U and V: 8 or 10 */
} lku_yuv_matrix;

/* The matrix of the weights of red and blue in grey (BT.601: 0.299, 0.114), for Y, U and V of 8 or 10 bits. */
lku_yuv_matrix lku_yuv_matrix_make(double red, double blue, int full_range, int bits);

/* Y of each pixel. */
void lku_rgb_to_y8(lku_simd simd, const uint8_t *const rgb[3], size_t num_values, const lku_yuv_matrix *matrix,
                   uint8_t *y);
void lku_rgb_to_y10(lku_simd simd, const uint8_t *const rgb[3], size_t num_values, const lku_yuv_matrix *matrix,
                    lku_u16 *y);

/* U and V of sums, four times the mean of the pixels that they stand for. */
void lku_sums_to_uv8(lku_simd simd, const uint16_t *const sums[3], size_t num_values, const lku_yuv_matrix *matrix,
                     uint8_t *u, uint8_t *v);
void lku_sums_to_uv10(lku_simd simd, const uint16_t *const sums[3], size_t num_values, const lku_yuv_matrix *matrix,
                      lku_u16 *u, lku_u16 *v);

/* Red, green and blue, from one Y, U and V per pixel. Those of 10 bits are no more than 1023. */
void lku_yuv8_to_rgb(lku_simd simd, const uint8_t *const yuv[3], size_t num_values, const lku_yuv_matrix *matrix,
                     uint8_t *const rgb[3]);
void lku_yuv10_to_rgb(lku_simd simd, const uint16_t *const yuv[3], size_t num_values, const lku_yuv_matrix *matrix,
                      uint8_t *const rgb[3]);

#endif
