#include "convert.h"

LKU_INLINE void s16_to_f32_body(const lku_s16 *in, size_t num_samples, lku_f32 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        out[i] = (float)in[i] * (1.0f / 32768.0f);
}

LKU_INLINE void f32_to_s16_body(const lku_f32 *in, size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    /* 1.5 * 2^23: in this range a float has no fractional bits, so adding it rounds to an integer, ties to even. */
    const float magic = 12582912.0f;

    for (size_t i = 0; i < num_samples; i++) {
        float value = in[i] * 32768.0f;
        value = value == value ? value : 0.0f;
        value = value < -32768.0f ? -32768.0f : value;
        value = value > 32767.0f ? 32767.0f : value;
        out[i] = (int16_t)(int32_t)((value + magic) - magic);
    }
}

LKU_KERNEL_VARIANTS(s16_to_f32, (const lku_s16 *in, size_t num_samples, lku_f32 *LKU_RESTRICT out), (in, num_samples, out))
LKU_KERNEL_VARIANTS(f32_to_s16, (const lku_f32 *in, size_t num_samples, lku_s16 *LKU_RESTRICT out), (in, num_samples, out))

void lku_s16_to_f32(lku_simd simd, const lku_s16 *in, size_t num_samples, lku_f32 *out) {
    LKU_KERNEL_CALL(s16_to_f32, simd, (in, num_samples, out));
}

void lku_f32_to_s16(lku_simd simd, const lku_f32 *in, size_t num_samples, lku_s16 *out) {
    LKU_KERNEL_CALL(f32_to_s16, simd, (in, num_samples, out));
}
