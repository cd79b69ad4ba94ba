#include "convert.h"

#if LKU_HAS_TARGETS
#include "convert_x86.h"
#endif

LKU_INLINE void s16_to_f32_body(const lku_s16 *in, size_t num_samples, lku_f32 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        out[i] = (float)in[i] * (1.0f / 32768.0f);
}

LKU_INLINE void f32_to_s16_body(const lku_f32 *in, size_t num_samples, lku_s16 *LKU_RESTRICT out,
                                uint32_t *LKU_RESTRICT num_saturated) {
    /* 1.5 * 2^23: in this range a float has no fractional bits, so adding it rounds to an integer, ties to even. */
    const float magic = 12582912.0f;
    uint32_t count = 0;

    for (size_t i = 0; i < num_samples; i++) {
        float value = in[i] * 32768.0f;
        /* -32768.5 is a tie, and goes to -32768. A NaN fails both comparisons. */
        count += 1 - ((uint32_t)(value >= -32768.5f) & (uint32_t)(value < 32767.5f));
        value = value == value ? value : 0.0f;
        value = value < -32768.0f ? -32768.0f : value;
        value = value > 32767.0f ? 32767.0f : value;
        out[i] = (int16_t)(int32_t)((value + magic) - magic);
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

#if LKU_HAS_TARGETS
LKU_TARGET_AVX2 static void f32_to_s16_steps(const lku_f32 *in, size_t num_samples, lku_s16 *LKU_RESTRICT out,
                                             uint32_t *LKU_RESTRICT num_saturated) {
    size_t i = 0;
    for (; i + LKU_CONVERT_STEP <= num_samples; i += LKU_CONVERT_STEP)
        *num_saturated += lku_f32_step(in + i, out + i);
    f32_to_s16_avx2(in + i, num_samples - i, out + i, num_saturated);
}
#endif

size_t lku_f32_to_s16(lku_simd simd, const lku_f32 *in, size_t num_samples, lku_s16 *out) {
    size_t total = 0;
    for (size_t start = 0; start < num_samples; start += TILE) {
        const size_t n = lku_min_size(num_samples - start, TILE);
        uint32_t num_saturated = 0;
#if LKU_HAS_TARGETS
        if (simd != LKU_SIMD_BASELINE)
            f32_to_s16_steps(in + start, n, out + start, &num_saturated);
        else
#endif
            LKU_KERNEL_CALL(f32_to_s16, simd, (in + start, n, out + start, &num_saturated));
        total += num_saturated;
    }
    return total;
}
