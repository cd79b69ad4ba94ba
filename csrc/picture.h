/* A picture in memory: its pixel format, its size, and where its planes lie.
 *
 * Numbers of formats are those of VideoBufferType. The names of packed formats say the order of bytes in memory: the
 * first byte of ARGB is alpha. Values of I010 are 16-bit words, in the byte order of the machine, of 10 bits.
 */
#ifndef LKU_PICTURE_H
#define LKU_PICTURE_H

#include "s16.h"

typedef uint16_t LKU_ANYWHERE lku_u16;

typedef enum lku_pixel_format {
    LKU_RGBA = 0,
    LKU_ABGR = 1,
    LKU_ARGB = 2,
    LKU_BGRA = 3,
    LKU_RGB24 = 4,
    LKU_I420 = 5,
    LKU_I420A = 6,
    LKU_I422 = 7,
    LKU_I444 = 8,
    LKU_I010 = 9,
    LKU_NV12 = 10
} lku_pixel_format;

enum { LKU_NUM_PIXEL_FORMATS = 11, LKU_MAX_PLANES = 4 };

typedef struct lku_plane {
    uint8_t *data;    /* the first row; a picture that is only read is not written to */
    ptrdiff_t stride; /* bytes from one row to the next; may be negative */
} lku_plane;

typedef struct lku_picture {
    lku_pixel_format format;
    size_t width, height; /* pixels, from 1 */
    lku_plane planes[LKU_MAX_PLANES];
} lku_picture;

/* How a plane is made: what its rows and columns are, and what lies in them. */
typedef struct lku_plane_layout {
    unsigned half_x, half_y; /* 1 where a value stands for two columns, two rows */
    size_t num_values;       /* of one pixel, side by side */
    size_t num_bytes;        /* of one value */
} lku_plane_layout;

LKU_INLINE int lku_is_packed(lku_pixel_format format) {
    return format <= LKU_RGB24;
}

LKU_INLINE int lku_has_alpha(lku_pixel_format format) {
    return format <= LKU_BGRA || format == LKU_I420A;
}

LKU_INLINE size_t lku_num_planes(lku_pixel_format format) {
    return lku_is_packed(format) ? 1 : format == LKU_NV12 ? 2 : format == LKU_I420A ? 4 : 3;
}

LKU_INLINE lku_plane_layout lku_layout(lku_pixel_format format, size_t plane) {
    const int is_chroma = plane == 1 || plane == 2;
    lku_plane_layout layout;
    layout.half_x = is_chroma && format != LKU_I444;
    layout.half_y = is_chroma && format != LKU_I444 && format != LKU_I422;
    layout.num_values = format == LKU_RGB24      ? 3
                        : lku_is_packed(format)  ? 4
                        : format == LKU_NV12 && is_chroma ? 2
                                                 : 1;
    layout.num_bytes = format == LKU_I010 ? 2 : 1;
    return layout;
}

/* Half of a number of pixels, rounded up, if `half` is 1. */
LKU_INLINE size_t lku_halved(size_t size, unsigned half) {
    return (size >> half) + (half & size & 1);
}

LKU_INLINE uint8_t *lku_row(const lku_plane *plane, size_t row) {
    return plane->data + plane->stride * (ptrdiff_t)row;
}

#endif
