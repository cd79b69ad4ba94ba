#include "yuv.h"

#if LKU_HAS_TARGETS
#include "yuv_x86.h"
#endif

/* So many rows are too many for the compiler to see that they do not overlap. */
#if defined(__GNUC__) && !defined(__clang__)
#define NO_OVERLAP _Pragma("GCC ivdep")
#else
#define NO_OVERLAP
#endif

#define ROW8 const uint8_t *LKU_RESTRICT
#define ROW16 const uint16_t *LKU_RESTRICT
#define OUT8 uint8_t *LKU_RESTRICT
#define OUT16 lku_u16 *LKU_RESTRICT

enum { RGB_BITS = 5 }; /* behind the point, towards red, green and blue */

static uint16_t nearest_u16(double value) {
    return (uint16_t)(value + 0.5);
}

static int16_t nearest_s16(double value) {
    return (int16_t)(value < 0 ? value - 0.5 : value + 0.5);
}

lku_yuv_matrix lku_yuv_matrix_make(double red, double blue, int full_range, int bits) {
    const double green = 1 - red - blue;
    const int most = (1 << bits) - 1, shift = 16 - bits;
    /* Y, U and V of 8 and 10 bits in units of 1 / 256 of a value of 8 bits. */
    const double units = bits == 8 || !full_range ? 1.0 : most / 1020.0;
    const double y_scale = full_range ? units : 219.0 / 255, uv_scale = full_range ? units : 224.0 / 255;
    const double black = full_range ? 0 : 16;
    const uint16_t half = (uint16_t)(1 << (shift - 1));
    lku_yuv_matrix matrix;

    matrix.bits = bits;
    matrix.y_r = nearest_u16(red * y_scale * 65536);
    matrix.y_b = nearest_u16(blue * y_scale * 65536);
    matrix.y_g = nearest_u16(green * y_scale * 65536);
    /* One more than the half: three products are rounded down. */
    matrix.y_offset = (uint16_t)(black * 256 + half + 1);

    /* Below a half of 65536 at 8 bits, where 255.5 would be 256. */
    const double top = uv_scale * 32768 > 32767 && bits == 8 ? 32767 : uv_scale * 32768;
    matrix.u_b = matrix.v_r = nearest_u16(top);
    matrix.u_r = nearest_u16(uv_scale * 32768 * red / (1 - blue));
    matrix.u_g = (uint16_t)(matrix.u_b - matrix.u_r);
    matrix.v_b = nearest_u16(uv_scale * 32768 * blue / (1 - red));
    matrix.v_g = (uint16_t)(matrix.v_r - matrix.v_b);
    matrix.uv_offset = (uint16_t)(128 * 256 + half);

    const double y_back = 1 / y_scale, uv_back = 1 / uv_scale, unity = 1 << RGB_BITS;
    matrix.y = nearest_u16(y_back * 8192);
    matrix.r_v = nearest_s16(2 * (1 - red) * uv_back * 8192);
    matrix.b_u = nearest_s16(2 * (1 - blue) * uv_back * 8192);
    matrix.g_u = nearest_s16(2 * (1 - blue) * blue / green * uv_back * 8192);
    matrix.g_v = nearest_s16(2 * (1 - red) * red / green * uv_back * 8192);
    /* What a half is, and half a unit for each product that is rounded down (and subtracted, for green). */
    const double offset = 0.5 * unity - black * y_back * unity;
    matrix.r_offset = matrix.b_offset = nearest_s16(offset + 1.0);
    matrix.g_offset = nearest_s16(offset - 0.5);
    return matrix;
}

LKU_INLINE uint16_t high_u16(uint16_t a, uint16_t b) {
    return (uint16_t)(((uint32_t)a * b) >> 16);
}

LKU_INLINE int16_t high_s16(int16_t a, int16_t b) {
    return (int16_t)(((int32_t)a * b) >> 16);
}

/* From values of 8 bits to 16. */
LKU_INLINE uint16_t y_of(uint8_t r, uint8_t g, uint8_t b, const lku_yuv_matrix *m) {
    const uint16_t red = high_u16((uint16_t)(r << 8), m->y_r), green = high_u16((uint16_t)(g << 8), m->y_g);
    return (uint16_t)((uint16_t)(red + green) + (uint16_t)(high_u16((uint16_t)(b << 8), m->y_b) + m->y_offset));
}

/* From sums (10 bits) to 16: offset + one * weight - (two * weight + three * weight). */
LKU_INLINE uint16_t chroma_of(uint16_t one, uint16_t two, uint16_t three, uint16_t w1, uint16_t w2, uint16_t w3,
                              uint16_t offset) {
    const uint16_t plus = high_u16((uint16_t)(one << 6), w1);
    const uint16_t minus = (uint16_t)(high_u16((uint16_t)(two << 6), w2) + high_u16((uint16_t)(three << 6), w3));
    return (uint16_t)((uint16_t)(offset + plus) - minus);
}

LKU_INLINE void rgb_to_y8_body(ROW8 r, ROW8 g, ROW8 b, size_t num_values, const lku_yuv_matrix *matrix, OUT8 y) {
    const lku_yuv_matrix m = *matrix;
    for (size_t i = 0; i < num_values; i++)
        y[i] = (uint8_t)(y_of(r[i], g[i], b[i], &m) >> 8);
}

LKU_INLINE void rgb_to_y10_body(ROW8 r, ROW8 g, ROW8 b, size_t num_values, const lku_yuv_matrix *matrix, OUT16 y) {
    const lku_yuv_matrix m = *matrix;
    for (size_t i = 0; i < num_values; i++)
        y[i] = (uint16_t)(y_of(r[i], g[i], b[i], &m) >> 6);
}

LKU_INLINE void sums_to_uv8_body(ROW16 r, ROW16 g, ROW16 b, size_t num_values, const lku_yuv_matrix *matrix, OUT8 u,
                                 OUT8 v) {
    const lku_yuv_matrix m = *matrix;
    for (size_t i = 0; i < num_values; i++) {
        u[i] = (uint8_t)(chroma_of(b[i], r[i], g[i], m.u_b, m.u_r, m.u_g, m.uv_offset) >> 8);
        v[i] = (uint8_t)(chroma_of(r[i], g[i], b[i], m.v_r, m.v_g, m.v_b, m.uv_offset) >> 8);
    }
}

LKU_INLINE void sums_to_uv10_body(ROW16 r, ROW16 g, ROW16 b, size_t num_values, const lku_yuv_matrix *matrix, OUT16 u,
                                  OUT16 v) {
    const lku_yuv_matrix m = *matrix;
    for (size_t i = 0; i < num_values; i++) {
        u[i] = (uint16_t)(chroma_of(b[i], r[i], g[i], m.u_b, m.u_r, m.u_g, m.uv_offset) >> 6);
        v[i] = (uint16_t)(chroma_of(r[i], g[i], b[i], m.v_r, m.v_g, m.v_b, m.uv_offset) >> 6);
    }
}

/* With 5 bits behind the point, to 0 ... 255. */
LKU_INLINE uint8_t to_u8(int16_t value) {
    int16_t whole = (int16_t)(value >> RGB_BITS);
    whole = whole < 0 ? 0 : whole;
    whole = whole > 255 ? 255 : whole;
    return (uint8_t)whole;
}

/* y: 16 bits; u and v: 16, around 0. */
LKU_INLINE void rgb_of(uint16_t y, uint16_t u_bits, uint16_t v_bits, const lku_yuv_matrix *m, OUT8 r, OUT8 g, OUT8 b) {
    const int16_t u = (int16_t)u_bits, v = (int16_t)v_bits;
    const int16_t grey = (int16_t)high_u16(y, m->y);
    const int16_t red = high_s16(v, m->r_v), blue = high_s16(u, m->b_u);
    const int16_t minus_u = high_s16(u, m->g_u), minus_v = high_s16(v, m->g_v);
    *r = to_u8((int16_t)((int16_t)(grey + red) + m->r_offset));
    *b = to_u8((int16_t)((int16_t)(grey + blue) + m->b_offset));
    *g = to_u8((int16_t)((int16_t)((int16_t)(grey - minus_u) - minus_v) + m->g_offset));
}

LKU_INLINE void yuv8_to_rgb_body(ROW8 y, ROW8 u, ROW8 v, size_t num_values, const lku_yuv_matrix *matrix, OUT8 r, OUT8 g,
                                 OUT8 b) {
    const lku_yuv_matrix m = *matrix;
    NO_OVERLAP
    for (size_t i = 0; i < num_values; i++)
        rgb_of((uint16_t)(y[i] << 8), (uint16_t)((u[i] << 8) ^ 0x8000), (uint16_t)((v[i] << 8) ^ 0x8000), &m, r + i, g + i,
               b + i);
}

LKU_INLINE void yuv10_to_rgb_body(ROW16 y, ROW16 u, ROW16 v, size_t num_values, const lku_yuv_matrix *matrix, OUT8 r,
                                  OUT8 g, OUT8 b) {
    const lku_yuv_matrix m = *matrix;
    NO_OVERLAP
    for (size_t i = 0; i < num_values; i++)
        rgb_of((uint16_t)(y[i] << 6), (uint16_t)((u[i] << 6) ^ 0x8000), (uint16_t)((v[i] << 6) ^ 0x8000), &m, r + i, g + i,
               b + i);
}

LKU_KERNEL_VARIANTS(rgb_to_y8, (ROW8 r, ROW8 g, ROW8 b, size_t num_values, const lku_yuv_matrix *matrix, OUT8 y),
                    (r, g, b, num_values, matrix, y))
LKU_KERNEL_VARIANTS(rgb_to_y10, (ROW8 r, ROW8 g, ROW8 b, size_t num_values, const lku_yuv_matrix *matrix, OUT16 y),
                    (r, g, b, num_values, matrix, y))
LKU_KERNEL_VARIANTS(sums_to_uv8,
                    (ROW16 r, ROW16 g, ROW16 b, size_t num_values, const lku_yuv_matrix *matrix, OUT8 u, OUT8 v),
                    (r, g, b, num_values, matrix, u, v))
LKU_KERNEL_VARIANTS(sums_to_uv10,
                    (ROW16 r, ROW16 g, ROW16 b, size_t num_values, const lku_yuv_matrix *matrix, OUT16 u, OUT16 v),
                    (r, g, b, num_values, matrix, u, v))
LKU_KERNEL_VARIANTS(yuv8_to_rgb,
                    (ROW8 y, ROW8 u, ROW8 v, size_t num_values, const lku_yuv_matrix *matrix, OUT8 r, OUT8 g, OUT8 b),
                    (y, u, v, num_values, matrix, r, g, b))
LKU_KERNEL_VARIANTS(yuv10_to_rgb,
                    (ROW16 y, ROW16 u, ROW16 v, size_t num_values, const lku_yuv_matrix *matrix, OUT8 r, OUT8 g, OUT8 b),
                    (y, u, v, num_values, matrix, r, g, b))

void lku_rgb_to_y8(lku_simd simd, const uint8_t *const rgb[3], size_t num_values, const lku_yuv_matrix *matrix,
                   uint8_t *y) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_rgb_to_y8_avx2(rgb, num_values, matrix, y);
#endif
    if (done < num_values)
        LKU_KERNEL_CALL(rgb_to_y8, simd,
                        (rgb[0] + done, rgb[1] + done, rgb[2] + done, num_values - done, matrix, y + done));
}

void lku_rgb_to_y10(lku_simd simd, const uint8_t *const rgb[3], size_t num_values, const lku_yuv_matrix *matrix,
                    lku_u16 *y) {
    LKU_KERNEL_CALL(rgb_to_y10, simd, (rgb[0], rgb[1], rgb[2], num_values, matrix, y));
}

void lku_sums_to_uv8(lku_simd simd, const uint16_t *const sums[3], size_t num_values, const lku_yuv_matrix *matrix,
                     uint8_t *u, uint8_t *v) {
    LKU_KERNEL_CALL(sums_to_uv8, simd, (sums[0], sums[1], sums[2], num_values, matrix, u, v));
}

void lku_sums_to_uv10(lku_simd simd, const uint16_t *const sums[3], size_t num_values, const lku_yuv_matrix *matrix,
                      lku_u16 *u, lku_u16 *v) {
    LKU_KERNEL_CALL(sums_to_uv10, simd, (sums[0], sums[1], sums[2], num_values, matrix, u, v));
}

void lku_yuv8_to_rgb(lku_simd simd, const uint8_t *const yuv[3], size_t num_values, const lku_yuv_matrix *matrix,
                     uint8_t *const rgb[3]) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_yuv8_to_rgb_avx2(yuv, num_values, matrix, rgb);
#endif
    if (done < num_values)
        LKU_KERNEL_CALL(yuv8_to_rgb, simd,
                        (yuv[0] + done, yuv[1] + done, yuv[2] + done, num_values - done, matrix, rgb[0] + done,
                         rgb[1] + done, rgb[2] + done));
}

void lku_yuv10_to_rgb(lku_simd simd, const uint16_t *const yuv[3], size_t num_values, const lku_yuv_matrix *matrix,
                      uint8_t *const rgb[3]) {
    LKU_KERNEL_CALL(yuv10_to_rgb, simd, (yuv[0], yuv[1], yuv[2], num_values, matrix, rgb[0], rgb[1], rgb[2]));
}
