#include "convert.h"

#include <string.h>

#if LKU_HAS_TARGETS
#include "convert_x86.h"
#endif

LKU_INLINE void s16_to_f32_body(const lku_s16 *in, size_t num_samples, lku_f32 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        out[i] = (float)in[i] * (1.0f / 32768.0f);
}

LKU_INLINE void f32_to_s16_body(const lku_f32 *in, size_t num_samples, lku_s16 *LKU_RESTRICT out,
                                uint32_t *LKU_RESTRICT num_saturated) {
    uint32_t count = 0;

    for (size_t i = 0; i < num_samples; i++) {
        /* Between 256 and 512 floats are multiples of 2^-15, so adding 385 rounds, ties to even. The bits of the sum are
         * those of 384.0 and the sample plus 32768. */
        const float value = in[i], limited = value > -2.0f ? value : -2.0f;
        const float sum = (limited < 2.0f ? limited : 2.0f) + 385.0f;
        int32_t bits;
        memcpy(&bits, &sum, sizeof bits);
        bits -= 0x43C00000;
        const int32_t is_over = bits > 65535, is_under = bits < 0;
        count += (uint32_t)(is_over | is_under);
        bits = is_over ? 65535 : is_under ? 0 : bits;
        out[i] = (int16_t)(value == value ? bits - 32768 : 0);
    }
    *num_saturated += count;
}

LKU_KERNEL_VARIANTS(s16_to_f32, (const lku_s16 *in, size_t num_samples, lku_f32 *LKU_RESTRICT out), (in, num_samples, out))
LKU_KERNEL_VARIANTS(f32_to_s16,
                    (const lku_f32 *in, size_t num_samples, lku_s16 *LKU_RESTRICT out,
                     uint32_t *LKU_RESTRICT num_saturated),
                    (in, num_samples, out, num_saturated))

void lku_s16_to_f32(lku_simd simd, const lku_s16 *in, size_t num_samples, lku_f32 *out) {
    LKU_KERNEL_CALL(s16_to_f32, simd, (in, num_samples, out));
}

/* Samples whose saturated values are counted in 32 bits before they are added up. */
enum { TILE = 4096 };

/* Converts a tile, and returns how many of its values were saturated. */
static uint32_t f32_tile_to_s16(lku_simd simd, const lku_f32 *in, size_t num_samples, lku_s16 *out) {
    uint32_t num_saturated = 0;
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE) {
        const size_t num_whole = num_samples - num_samples % LKU_CONVERT_STEP;
        const int32_t found = lku_f32_to_s16_avx2(in, num_whole, out);
        if (found >= 0) {
            num_saturated = (uint32_t)found;
            done = num_whole;
        }
    }
#endif
    if (done < num_samples)
        LKU_KERNEL_CALL(f32_to_s16, simd, (in + done, num_samples - done, out + done, &num_saturated));
    return num_saturated;
}

size_t lku_f32_to_s16(lku_simd simd, const lku_f32 *in, size_t num_samples, lku_s16 *out) {
    size_t total = 0;
    for (size_t start = 0; start < num_samples; start += TILE)
        total += f32_tile_to_s16(simd, in + start, lku_min_size(num_samples - start, TILE), out + start);
    return total;
}
