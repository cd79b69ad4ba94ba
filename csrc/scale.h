/* A plane in another size.
 *
 * Every value is the weighted mean of values of the input, exact before it is rounded to the nearest (a half up). With
 * LKU_SCALE_BOX the weights are the areas that the new pixel covers; with LKU_SCALE_BILINEAR it lies between the two
 * nearest pixels of a row and of a column, and edges are repeated.
 */
#ifndef LKU_SCALE_H
#define LKU_SCALE_H

#include "picture.h"
#include "simd.h"

enum { LKU_SCALE_MAX_SIZE = 65535 }; /* pixels in a row, and rows, for sums to fit */

typedef enum lku_scale_filter {
    LKU_SCALE_AUTO = 0, /* box where there are fewer pixels, bilinear where there are more, for each axis */
    LKU_SCALE_BOX = 1,
    LKU_SCALE_BILINEAR = 2
} lku_scale_filter;

/* The pixels of an axis from which a new one is made. Those between the first and the last have the weight `step`. */
typedef struct lku_scale_window {
    uint32_t first, count;
    uint32_t first_weight, last_weight;
} lku_scale_window;

/* The window of new pixel `i` of `to` pixels, from `from` pixels; the sum of its weights is lku_scale_total. */
lku_scale_window lku_scale_window_at(lku_scale_filter filter, size_t from, size_t to, size_t i);
uint32_t lku_scale_total(lku_scale_filter filter, size_t from, size_t to);

/* What a plane needs beside it: windows[to_width] and sums[from_width * num_values]. A value has `num_bytes` bytes; of
 * two bytes it is no more than 1023. `from` and `to` do not overlap. */
void lku_scale_plane(lku_simd simd, lku_scale_filter filter, const lku_plane *from, size_t from_width, size_t from_height,
                     const lku_plane *to, size_t to_width, size_t to_height, size_t num_values, size_t num_bytes,
                     lku_scale_window *windows, uint32_t *sums);

#endif
