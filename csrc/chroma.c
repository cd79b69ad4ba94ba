#include "chroma.h"

#if LKU_HAS_TARGETS
#include "chroma_x86.h"
#endif

#define SOURCE8 const uint8_t *LKU_RESTRICT
#define SOURCE16 const lku_u16 *LKU_RESTRICT
#define SUMS uint16_t *LKU_RESTRICT

enum { MAX_U8 = 255, MAX_U10 = 1023, DEPTH_BITS = 15 };

LKU_INLINE uint16_t limited(uint16_t value) {
    return value < MAX_U10 ? value : MAX_U10;
}

LKU_INLINE void sum_rows_u8_body(SOURCE8 above, SOURCE8 below, size_t num_values, SUMS sums) {
    for (size_t i = 0; i < num_values; i++)
        sums[i] = (uint16_t)((uint16_t)(above[i] + below[i]) << 1);
}

LKU_INLINE void sum_rows_u10_body(SOURCE16 above, SOURCE16 below, size_t num_values, SUMS sums) {
    for (size_t i = 0; i < num_values; i++)
        sums[i] = (uint16_t)((uint16_t)(limited(above[i]) + limited(below[i])) << 1);
}

LKU_INLINE void sum_squares_u8_body(SOURCE8 above, SOURCE8 below, size_t num_values, SUMS sums) {
    const size_t pairs = num_values / 2;
    for (size_t i = 0; i < pairs; i++)
        sums[i] = (uint16_t)((uint16_t)(above[2 * i] + above[2 * i + 1]) + (uint16_t)(below[2 * i] + below[2 * i + 1]));
    if (num_values & 1)
        sums[pairs] = (uint16_t)(2 * (above[2 * pairs] + below[2 * pairs]));
}

LKU_INLINE void sum_squares_u10_body(SOURCE16 above, SOURCE16 below, size_t num_values, SUMS sums) {
    const size_t pairs = num_values / 2;
    for (size_t i = 0; i < pairs; i++)
        sums[i] = (uint16_t)((uint16_t)(limited(above[2 * i]) + limited(above[2 * i + 1])) +
                             (uint16_t)(limited(below[2 * i]) + limited(below[2 * i + 1])));
    if (num_values & 1)
        sums[pairs] = (uint16_t)(2 * (limited(above[2 * pairs]) + limited(below[2 * pairs])));
}

LKU_INLINE void double_u8_body(SOURCE8 in, size_t num_values, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_values / 2; i++)
        out[2 * i] = out[2 * i + 1] = in[i];
    if (num_values & 1)
        out[num_values - 1] = in[num_values / 2];
}

LKU_INLINE void double_u16_body(const uint16_t *LKU_RESTRICT in, size_t num_values, SUMS out) {
    for (size_t i = 0; i < num_values / 2; i++)
        out[2 * i] = out[2 * i + 1] = in[i];
    if (num_values & 1)
        out[num_values - 1] = in[num_values / 2];
}

LKU_INLINE void limit_u10_body(SOURCE16 in, size_t num_values, lku_u16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_values; i++)
        out[i] = limited(in[i]);
}

LKU_INLINE int32_t changed(uint16_t sum, lku_depth_change change, int32_t most) {
    const int32_t value = ((int32_t)((uint32_t)sum * change.factor) + change.offset) >> DEPTH_BITS;
    return value < 0 ? 0 : value > most ? most : value;
}

LKU_INLINE void sums_to_u8_body(const uint16_t *LKU_RESTRICT sums, size_t num_values, lku_depth_change change,
                                uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_values; i++)
        out[i] = (uint8_t)changed(sums[i], change, MAX_U8);
}

LKU_INLINE void sums_to_u10_body(const uint16_t *LKU_RESTRICT sums, size_t num_values, lku_depth_change change,
                                 lku_u16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_values; i++)
        out[i] = (uint16_t)changed(sums[i], change, MAX_U10);
}

LKU_KERNEL_VARIANTS(sum_rows_u8, (SOURCE8 above, SOURCE8 below, size_t num_values, SUMS sums),
                    (above, below, num_values, sums))
LKU_KERNEL_VARIANTS(sum_rows_u10, (SOURCE16 above, SOURCE16 below, size_t num_values, SUMS sums),
                    (above, below, num_values, sums))
LKU_KERNEL_VARIANTS(sum_squares_u8, (SOURCE8 above, SOURCE8 below, size_t num_values, SUMS sums),
                    (above, below, num_values, sums))
LKU_KERNEL_VARIANTS(sum_squares_u10, (SOURCE16 above, SOURCE16 below, size_t num_values, SUMS sums),
                    (above, below, num_values, sums))
LKU_KERNEL_VARIANTS(double_u8, (SOURCE8 in, size_t num_values, uint8_t *LKU_RESTRICT out), (in, num_values, out))
LKU_KERNEL_VARIANTS(double_u16, (const uint16_t *LKU_RESTRICT in, size_t num_values, SUMS out), (in, num_values, out))
LKU_KERNEL_VARIANTS(limit_u10, (SOURCE16 in, size_t num_values, lku_u16 *LKU_RESTRICT out), (in, num_values, out))
LKU_KERNEL_VARIANTS(sums_to_u8,
                    (const uint16_t *LKU_RESTRICT sums, size_t num_values, lku_depth_change change,
                     uint8_t *LKU_RESTRICT out),
                    (sums, num_values, change, out))
LKU_KERNEL_VARIANTS(sums_to_u10,
                    (const uint16_t *LKU_RESTRICT sums, size_t num_values, lku_depth_change change,
                     lku_u16 *LKU_RESTRICT out),
                    (sums, num_values, change, out))

void lku_sum_rows_u8(lku_simd simd, const uint8_t *above, const uint8_t *below, size_t num_values, uint16_t *sums) {
    LKU_KERNEL_CALL(sum_rows_u8, simd, (above, below, num_values, sums));
}

void lku_sum_rows_u10(lku_simd simd, const lku_u16 *above, const lku_u16 *below, size_t num_values, uint16_t *sums) {
    LKU_KERNEL_CALL(sum_rows_u10, simd, (above, below, num_values, sums));
}

void lku_sum_squares_u8(lku_simd simd, const uint8_t *above, const uint8_t *below, size_t num_values, uint16_t *sums) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_sum_squares_u8_avx2(above, below, num_values, sums);
#endif
    if (done < num_values)
        LKU_KERNEL_CALL(sum_squares_u8, simd, (above + done, below + done, num_values - done, sums + done / 2));
}

void lku_sum_squares_u10(lku_simd simd, const lku_u16 *above, const lku_u16 *below, size_t num_values, uint16_t *sums) {
    LKU_KERNEL_CALL(sum_squares_u10, simd, (above, below, num_values, sums));
}

void lku_double_u8(lku_simd simd, const uint8_t *in, size_t num_values, uint8_t *out) {
    LKU_KERNEL_CALL(double_u8, simd, (in, num_values, out));
}

void lku_double_u16(lku_simd simd, const uint16_t *in, size_t num_values, uint16_t *out) {
    LKU_KERNEL_CALL(double_u16, simd, (in, num_values, out));
}

void lku_limit_u10(lku_simd simd, const lku_u16 *in, size_t num_values, lku_u16 *out) {
    LKU_KERNEL_CALL(limit_u10, simd, (in, num_values, out));
}

lku_depth_change lku_depth_change_make(int from_bits, int to_bits, int is_chroma, int full_range) {
    const double unity = (double)(1 << DEPTH_BITS);
    const int from_max = (1 << from_bits) - 1, to_max = (1 << to_bits) - 1;
    const double ratio = full_range ? (double)to_max / from_max : (double)(1 << to_bits) / (1 << from_bits);
    const double centre = is_chroma ? (double)(1 << (to_bits - 1)) - ratio * (1 << (from_bits - 1)) : 0.0;
    lku_depth_change change;
    change.factor = (uint16_t)(ratio * unity / 4 + 0.5);
    change.offset = (int32_t)((centre + 0.5) * unity);
    return change;
}

void lku_sums_to_u8(lku_simd simd, const uint16_t *sums, size_t num_values, lku_depth_change change, uint8_t *out) {
    LKU_KERNEL_CALL(sums_to_u8, simd, (sums, num_values, change, out));
}

void lku_sums_to_u10(lku_simd simd, const uint16_t *sums, size_t num_values, lku_depth_change change, lku_u16 *out) {
    LKU_KERNEL_CALL(sums_to_u10, simd, (sums, num_values, change, out));
}
