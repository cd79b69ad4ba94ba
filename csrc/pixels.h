/* Pictures from any pixel format to any other.
 *
 * Formats with red, green and blue become formats with Y, U and V and back by a matrix (yuv.h). Chroma that stands for
 * several pixels is the mean of theirs (at odd edges of those that are there), and each of them has it. From Y, U and V
 * to Y, U and V nothing goes by way of red, green and blue. Alpha is dropped where the output has none, and is 255 where
 * the input has none. With `flip_y` the output is that of the picture whose rows are in the other order.
 */
#ifndef LKU_PIXELS_H
#define LKU_PIXELS_H

#include "picture.h"
#include "yuv.h"

typedef struct lku_colour {
    double red, blue; /* the weights in grey */
    int full_range;
} lku_colour;

/* Converts `in` to `out`, of the same size; every plane of both lies in memory, and they do not overlap. Planes of I010
 * have even strides. Needs about 24 KiB of stack. */
void lku_convert_picture(lku_simd simd, const lku_picture *in, lku_colour colour, int flip_y, const lku_picture *out);

#endif
