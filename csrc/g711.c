#include "g711.h"

#include <string.h>

#if LKU_HAS_TARGETS
#include "g711_x86.h"
#endif

/* Without branches and tables, so that compilers vectorise them. 2^exponent is a product of one factor per bit. */
LKU_INLINE uint16_t power_of_two(uint16_t exponent) {
    const uint16_t ones = (uint16_t)(1 + (exponent & 1));
    const uint16_t twos = (uint16_t)(1 + 3 * ((exponent >> 1) & 1));
    const uint16_t fours = (uint16_t)(1 + 15 * ((exponent >> 2) & 1));
    return (uint16_t)((uint16_t)(ones * twos) * fours);
}

LKU_INLINE int16_t with_sign(uint16_t magnitude, uint16_t positive) {
    const uint16_t mask = (uint16_t)(positive - 1); /* all ones where it is negative */
    return (int16_t)(uint16_t)((magnitude ^ mask) - mask);
}

LKU_INLINE void ulaw_to_s16_body(const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        const uint16_t code = in[i];
        const uint16_t mantissa = (uint16_t)(((~code & 0x0F) << 3) + 0x84);
        const uint16_t exponent = (uint16_t)((~code >> 4) & 7);
        out[i] = with_sign((uint16_t)(mantissa * power_of_two(exponent) - 0x84), code >> 7);
    }
}

LKU_INLINE void alaw_to_s16_body(const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        const uint16_t code = in[i] ^ 0x55;
        const uint16_t exponent = (uint16_t)((code >> 4) & 7);
        const uint16_t is_linear = (uint16_t)((uint16_t)(exponent - 1) >> 15); /* the lowest segment, with no leading one */
        const uint16_t mantissa = (uint16_t)(((code & 0x0F) << 4) + 0x108 - (is_linear << 8));
        out[i] = with_sign((uint16_t)(mantissa * power_of_two((uint16_t)(exponent - 1 + is_linear))), code >> 7);
    }
}

/* A float has the magnitude as G.711 does: an exponent, and four bits after the leading one. */
LKU_INLINE int32_t top_bits(int32_t magnitude) {
    const float value = (float)magnitude;
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 19;
}

LKU_INLINE void s16_to_ulaw_body(const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        const int32_t value = in[i] >> 2;
        const int32_t negative = value >> 31;
        int32_t magnitude = (value ^ negative) - negative;
        magnitude = (magnitude < 8158 ? magnitude : 8158) + 33;
        const int32_t code = top_bits(magnitude) - ((127 + 5) << 4);
        out[i] = (uint8_t)(code ^ (0xFF ^ (negative & 0x80)));
    }
}

LKU_INLINE void s16_to_alaw_body(const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        const int32_t value = in[i] >> 3;
        const int32_t negative = value >> 31;
        const int32_t magnitude = value ^ negative;
        const int32_t linear = (magnitude - 32) >> 31; /* all ones in the two lowest segments */
        const int32_t segment = top_bits(magnitude) - ((127 + 4) << 4);
        const int32_t code = ((magnitude >> 1) & linear) | (segment & ~linear);
        out[i] = (uint8_t)(code ^ (0xD5 ^ (negative & 0x80)));
    }
}

LKU_KERNEL_VARIANTS(ulaw_to_s16, (const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out), (in, num_samples, out))
LKU_KERNEL_VARIANTS(alaw_to_s16, (const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out), (in, num_samples, out))
LKU_KERNEL_VARIANTS(s16_to_ulaw, (const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out), (in, num_samples, out))
LKU_KERNEL_VARIANTS(s16_to_alaw, (const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out), (in, num_samples, out))

void lku_ulaw_to_s16(lku_simd simd, const uint8_t *in, size_t num_samples, lku_s16 *out) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_ulaw_to_s16_avx2(in, num_samples, out);
#endif
    if (done < num_samples)
        LKU_KERNEL_CALL(ulaw_to_s16, simd, (in + done, num_samples - done, out + done));
}

void lku_alaw_to_s16(lku_simd simd, const uint8_t *in, size_t num_samples, lku_s16 *out) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_alaw_to_s16_avx2(in, num_samples, out);
#endif
    if (done < num_samples)
        LKU_KERNEL_CALL(alaw_to_s16, simd, (in + done, num_samples - done, out + done));
}

void lku_s16_to_ulaw(lku_simd simd, const lku_s16 *in, size_t num_samples, uint8_t *out) {
    LKU_KERNEL_CALL(s16_to_ulaw, simd, (in, num_samples, out));
}

void lku_s16_to_alaw(lku_simd simd, const lku_s16 *in, size_t num_samples, uint8_t *out) {
    LKU_KERNEL_CALL(s16_to_alaw, simd, (in, num_samples, out));
}
