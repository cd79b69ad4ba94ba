#include "pixels.h"

#include <string.h>

#include "chroma.h"
#include "packed.h"

/* Pixels that are converted at once: their scratch rows stay in the first cache. An even number. */
enum { STRIP = 1024 };

typedef uint8_t row8[STRIP];
typedef uint16_t row16[STRIP];

typedef struct conversion {
    lku_simd simd;
    const lku_picture *in, *out;
    int flip_y;
    int full_range;
    lku_yuv_matrix matrix;
} conversion;

/* Where red, green, blue and alpha lie among the bytes of a pixel. */
static const uint8_t ORDER[][4] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 2, 3, 0}, {2, 1, 0, 3}, {0, 1, 2, 3}};

static int bits_of(lku_pixel_format format) {
    return format == LKU_I010 ? 10 : 8;
}

/* The row of the input that is row `y` of the output. */
static size_t source_row(const conversion *c, size_t y) {
    return c->flip_y ? c->in->height - 1 - y : y;
}

/* -- packed pixels ------------------------------------------------------------------------------------------------- */

/* Channels of `n` pixels from column x on; alpha too where there is one. */
static void read_rgba(const conversion *c, size_t y, size_t x, size_t n, row8 rgba[4]) {
    const uint8_t *order = ORDER[c->in->format];
    const uint8_t *row = lku_row(&c->in->planes[0], y);
    uint8_t *in_order[4];
    for (size_t i = 0; i < 4; i++)
        in_order[order[i]] = rgba[i];
    if (c->in->format == LKU_RGB24)
        lku_split3(c->simd, row + 3 * x, n, in_order);
    else
        lku_split4(c->simd, row + 4 * x, n, in_order);
}

static void write_rgba(const conversion *c, size_t y, size_t x, size_t n, row8 rgba[4]) {
    const uint8_t *order = ORDER[c->out->format];
    uint8_t *row = lku_row(&c->out->planes[0], y);
    const uint8_t *in_order[4];
    for (size_t i = 0; i < 4; i++)
        in_order[order[i]] = rgba[i];
    if (c->out->format == LKU_RGB24)
        lku_merge3(c->simd, in_order, n, row + 3 * x);
    else
        lku_merge4(c->simd, in_order, n, row + 4 * x);
}

static void packed_to_packed(const conversion *c) {
    row8 rgba[4];
    memset(rgba[3], 0xFF, STRIP);
    for (size_t y = 0; y < c->out->height; y++)
        for (size_t x = 0; x < c->out->width; x += STRIP) {
            const size_t n = lku_min_size(STRIP, c->out->width - x);
            read_rgba(c, source_row(c, y), x, n, rgba);
            write_rgba(c, y, x, n, rgba);
        }
}

/* -- packed pixels to Y, U and V ----------------------------------------------------------------------------------- */

static void write_y(const conversion *c, size_t y, size_t x, size_t n, row8 rgba[4]) {
    const uint8_t *const rgb[3] = {rgba[0], rgba[1], rgba[2]};
    uint8_t *row = lku_row(&c->out->planes[0], y);
    if (c->out->format == LKU_I010)
        lku_rgb_to_y10(c->simd, rgb, n, &c->matrix, (lku_u16 *)(void *)row + x);
    else
        lku_rgb_to_y8(c->simd, rgb, n, &c->matrix, row + x);
    if (c->out->format == LKU_I420A)
        memcpy(lku_row(&c->out->planes[3], y) + x, rgba[3], n);
}

/* U and V of row `row` of chroma, `n` values from column x on. */
static void write_uv(const conversion *c, size_t row, size_t x, size_t n, row16 sums[3]) {
    const uint16_t *const rgb[3] = {sums[0], sums[1], sums[2]};
    uint8_t *u = lku_row(&c->out->planes[1], row);
    if (c->out->format == LKU_NV12) {
        row8 planar[2];
        const uint8_t *const both[2] = {planar[0], planar[1]};
        lku_sums_to_uv8(c->simd, rgb, n, &c->matrix, planar[0], planar[1]);
        lku_merge2(c->simd, both, n, u + 2 * x);
        return;
    }
    uint8_t *v = lku_row(&c->out->planes[2], row);
    if (c->out->format == LKU_I010)
        lku_sums_to_uv10(c->simd, rgb, n, &c->matrix, (lku_u16 *)(void *)u + x, (lku_u16 *)(void *)v + x);
    else
        lku_sums_to_uv8(c->simd, rgb, n, &c->matrix, u + x, v + x);
}

static void packed_to_yuv(const conversion *c) {
    const lku_plane_layout chroma = lku_layout(c->out->format, 1);
    const size_t rows = lku_halved(c->out->height, chroma.half_y);
    row8 rgba[2][4];
    row16 sums[3];
    memset(rgba[0][3], 0xFF, STRIP);
    memset(rgba[1][3], 0xFF, STRIP);
    for (size_t row = 0; row < rows; row++) {
        const size_t first = row << chroma.half_y;
        const size_t num_rows = lku_min_size((size_t)1 << chroma.half_y, c->out->height - first);
        for (size_t x = 0; x < c->out->width; x += STRIP) {
            const size_t n = lku_min_size(STRIP, c->out->width - x);
            for (size_t i = 0; i < num_rows; i++) {
                read_rgba(c, source_row(c, first + i), x, n, rgba[i]);
                write_y(c, first + i, x, n, rgba[i]);
            }
            for (size_t i = 0; i < 3; i++)
                if (chroma.half_x)
                    lku_sum_squares_u8(c->simd, rgba[0][i], rgba[num_rows - 1][i], n, sums[i]);
                else
                    lku_sum_rows_u8(c->simd, rgba[0][i], rgba[num_rows - 1][i], n, sums[i]);
            write_uv(c, row, x >> chroma.half_x, lku_halved(n, chroma.half_x), sums);
        }
    }
}

/* -- Y, U and V to packed pixels ----------------------------------------------------------------------------------- */

/* U and V of `n` values from column x on: where they lie, or in `scratch`. */
static void read_uv8(const conversion *c, size_t row, size_t x, size_t n, row8 scratch[2], const uint8_t *uv[2]) {
    if (c->in->format == LKU_NV12) {
        uint8_t *const out[2] = {scratch[0], scratch[1]};
        lku_split2(c->simd, lku_row(&c->in->planes[1], row) + 2 * x, n, out);
        uv[0] = scratch[0];
        uv[1] = scratch[1];
    } else {
        uv[0] = lku_row(&c->in->planes[1], row) + x;
        uv[1] = lku_row(&c->in->planes[2], row) + x;
    }
}

static void strip8_to_rgb(const conversion *c, size_t y, size_t x, size_t n, row8 rgba[4]) {
    const lku_plane_layout chroma = lku_layout(c->in->format, 1);
    uint8_t *const rgb[3] = {rgba[0], rgba[1], rgba[2]};
    row8 halves[2], wholes[2];
    const uint8_t *yuv[3];
    yuv[0] = lku_row(&c->in->planes[0], y) + x;
    read_uv8(c, y >> chroma.half_y, x >> chroma.half_x, lku_halved(n, chroma.half_x), halves, yuv + 1);
    if (chroma.half_x)
        for (size_t i = 0; i < 2; i++) {
            lku_double_u8(c->simd, yuv[i + 1], n, wholes[i]);
            yuv[i + 1] = wholes[i];
        }
    lku_yuv8_to_rgb(c->simd, yuv, n, &c->matrix, rgb);
}

static void strip10_to_rgb(const conversion *c, size_t y, size_t x, size_t n, row8 rgba[4]) {
    uint8_t *const rgb[3] = {rgba[0], rgba[1], rgba[2]};
    row16 half, wholes[3];
    const uint16_t *const yuv[3] = {wholes[0], wholes[1], wholes[2]};
    lku_limit_u10(c->simd, (const lku_u16 *)(const void *)lku_row(&c->in->planes[0], y) + x, n, wholes[0]);
    for (size_t i = 1; i < 3; i++) {
        const uint8_t *row = lku_row(&c->in->planes[i], y / 2);
        lku_limit_u10(c->simd, (const lku_u16 *)(const void *)row + x / 2, lku_halved(n, 1), half);
        lku_double_u16(c->simd, half, n, wholes[i]);
    }
    lku_yuv10_to_rgb(c->simd, yuv, n, &c->matrix, rgb);
}

static void yuv_to_packed(const conversion *c) {
    row8 rgba[4];
    memset(rgba[3], 0xFF, STRIP);
    for (size_t row = 0; row < c->out->height; row++) {
        const size_t y = source_row(c, row);
        for (size_t x = 0; x < c->out->width; x += STRIP) {
            const size_t n = lku_min_size(STRIP, c->out->width - x);
            if (c->in->format == LKU_I010)
                strip10_to_rgb(c, y, x, n, rgba);
            else
                strip8_to_rgb(c, y, x, n, rgba);
            if (c->in->format == LKU_I420A)
                memcpy(rgba[3], lku_row(&c->in->planes[3], y) + x, n);
            write_rgba(c, row, x, n, rgba);
        }
    }
}

/* -- Y, U and V to Y, U and V -------------------------------------------------------------------------------------- */

/* Values of one plane as they are; none of 10 bits is above 1023. */
static void copy_values(const conversion *c, const uint8_t *in, size_t n, uint8_t *out) {
    if (c->out->format == LKU_I010)
        lku_limit_u10(c->simd, (const lku_u16 *)(const void *)in, n, (lku_u16 *)(void *)out);
    else
        memcpy(out, in, n);
}

static void copy_y(const conversion *c) {
    const int from = bits_of(c->in->format), to = bits_of(c->out->format);
    const lku_depth_change change = lku_depth_change_make(from, to, 0, c->full_range);
    const size_t width = c->out->width;
    row16 sums;
    for (size_t row = 0; row < c->out->height; row++) {
        const uint8_t *in = lku_row(&c->in->planes[0], source_row(c, row));
        uint8_t *out = lku_row(&c->out->planes[0], row);
        if (from == to) {
            copy_values(c, in, width, out);
            continue;
        }
        for (size_t x = 0; x < width; x += STRIP) {
            const size_t n = lku_min_size(STRIP, width - x);
            if (from == 8) {
                lku_sum_rows_u8(c->simd, in + x, in + x, n, sums);
                lku_sums_to_u10(c->simd, sums, n, change, (lku_u16 *)(void *)out + x);
            } else {
                const lku_u16 *words = (const lku_u16 *)(const void *)in + x;
                lku_sum_rows_u10(c->simd, words, words, n, sums);
                lku_sums_to_u8(c->simd, sums, n, change, out + x);
            }
        }
    }
}

/* The sums of two rows of the input, at the resolution of the output: `n` columns of pixels from column x on. */
static void sum_chroma(const conversion *c, const size_t rows[2], size_t x, size_t n, row16 sums[2]) {
    const lku_plane_layout from = lku_layout(c->in->format, 1), to = lku_layout(c->out->format, 1);
    const size_t start = x >> from.half_x, count = lku_halved(n, from.half_x);
    row8 scratch[2][2];
    const uint8_t *uv8[2][2];
    row16 half;
    if (c->in->format != LKU_I010)
        for (size_t i = 0; i < 2; i++)
            read_uv8(c, rows[i], start, count, scratch[i], uv8[i]);
    for (size_t i = 0; i < 2; i++) {
        uint16_t *out = from.half_x && !to.half_x ? half : sums[i];
        if (c->in->format == LKU_I010) {
            const lku_u16 *above = (const lku_u16 *)(void *)lku_row(&c->in->planes[i + 1], rows[0]) + start;
            const lku_u16 *below = (const lku_u16 *)(void *)lku_row(&c->in->planes[i + 1], rows[1]) + start;
            lku_sum_rows_u10(c->simd, above, below, count, out);
        } else if (!from.half_x && to.half_x) {
            lku_sum_squares_u8(c->simd, uv8[0][i], uv8[1][i], count, out);
        } else {
            lku_sum_rows_u8(c->simd, uv8[0][i], uv8[1][i], count, out);
        }
        if (out == half)
            lku_double_u16(c->simd, half, n, sums[i]);
    }
}

static void write_chroma(const conversion *c, size_t row, size_t x, size_t n, lku_depth_change change, row16 sums[2]) {
    row8 planar[2];
    for (size_t i = 0; i < 2; i++) {
        uint8_t *out = lku_row(&c->out->planes[c->out->format == LKU_NV12 ? 1 : i + 1], row);
        if (c->out->format == LKU_I010)
            lku_sums_to_u10(c->simd, sums[i], n, change, (lku_u16 *)(void *)out + x);
        else
            lku_sums_to_u8(c->simd, sums[i], n, change, c->out->format == LKU_NV12 ? planar[i] : out + x);
    }
    if (c->out->format == LKU_NV12) {
        const uint8_t *const both[2] = {planar[0], planar[1]};
        lku_merge2(c->simd, both, n, lku_row(&c->out->planes[1], row) + 2 * x);
    }
}

/* A row of chroma as it is: of the same resolution and depth. */
static void copy_chroma(const conversion *c, size_t from, size_t row, size_t n) {
    uint8_t *u = lku_row(&c->out->planes[1], row);
    const uint8_t *source = lku_row(&c->in->planes[1], from);
    if (c->in->format == LKU_NV12 && c->out->format == LKU_NV12) {
        memcpy(u, source, 2 * n);
        return;
    }
    if (c->in->format == LKU_NV12) {
        uint8_t *const both[2] = {u, lku_row(&c->out->planes[2], row)};
        lku_split2(c->simd, source, n, both);
        return;
    }
    const uint8_t *const both[2] = {source, lku_row(&c->in->planes[2], from)};
    if (c->out->format == LKU_NV12) {
        lku_merge2(c->simd, both, n, u);
        return;
    }
    copy_values(c, both[0], n, u);
    copy_values(c, both[1], n, lku_row(&c->out->planes[2], row));
}

static void convert_chroma(const conversion *c) {
    const int from_bits = bits_of(c->in->format), to_bits = bits_of(c->out->format);
    const lku_plane_layout from = lku_layout(c->in->format, 1), to = lku_layout(c->out->format, 1);
    const lku_depth_change change = lku_depth_change_make(from_bits, to_bits, 1, c->full_range);
    const int is_same = from_bits == to_bits && from.half_x == to.half_x;
    const size_t num_rows = lku_halved(c->out->height, to.half_y), width = c->out->width;
    row16 sums[2];
    for (size_t row = 0; row < num_rows; row++) {
        const size_t first = row << to.half_y;
        const size_t last = lku_min_size(first + to.half_y, c->out->height - 1);
        const size_t rows[2] = {source_row(c, first) >> from.half_y, source_row(c, last) >> from.half_y};
        if (is_same && rows[0] == rows[1]) {
            copy_chroma(c, rows[0], row, lku_halved(width, to.half_x));
            continue;
        }
        for (size_t x = 0; x < width; x += STRIP) {
            const size_t n = lku_min_size(STRIP, width - x);
            sum_chroma(c, rows, x, n, sums);
            write_chroma(c, row, x >> to.half_x, lku_halved(n, to.half_x), change, sums);
        }
    }
}

static void write_alpha(const conversion *c) {
    for (size_t row = 0; row < c->out->height; row++) {
        uint8_t *out = lku_row(&c->out->planes[3], row);
        if (c->in->format == LKU_I420A)
            memcpy(out, lku_row(&c->in->planes[3], source_row(c, row)), c->out->width);
        else
            memset(out, 0xFF, c->out->width);
    }
}

/* -- the whole ----------------------------------------------------------------------------------------------------- */

static void copy_packed(const conversion *c) {
    const size_t num_bytes = c->out->width * lku_layout(c->out->format, 0).num_values;
    for (size_t row = 0; row < c->out->height; row++)
        memcpy(lku_row(&c->out->planes[0], row), lku_row(&c->in->planes[0], source_row(c, row)), num_bytes);
}

void lku_convert_picture(lku_simd simd, const lku_picture *in, lku_colour colour, int flip_y, const lku_picture *out) {
    const int from_packed = lku_is_packed(in->format), to_packed = lku_is_packed(out->format);
    conversion c;
    c.simd = simd;
    c.in = in;
    c.out = out;
    c.flip_y = flip_y;
    c.full_range = colour.full_range;
    if (from_packed != to_packed)
        c.matrix = lku_yuv_matrix_make(colour.red, colour.blue, colour.full_range,
                                       bits_of(from_packed ? out->format : in->format));
    if (from_packed && in->format == out->format) {
        copy_packed(&c);
    } else if (from_packed && to_packed) {
        packed_to_packed(&c);
    } else if (from_packed) {
        packed_to_yuv(&c);
    } else if (to_packed) {
        yuv_to_packed(&c);
    } else {
        copy_y(&c);
        convert_chroma(&c);
        if (out->format == LKU_I420A)
            write_alpha(&c);
    }
}
