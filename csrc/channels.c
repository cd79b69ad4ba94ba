#include "channels.h"

#include <string.h>

LKU_INLINE void upmix_body(const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                           lku_s16 *LKU_RESTRICT out) {
    if (num_channels == 2) { /* spelled out, because the compiler vectorises only a fixed stride */
        for (size_t k = 0; k < samples_per_channel; k++) {
            out[2 * k] = in[k];
            out[2 * k + 1] = in[k];
        }
        return;
    }
    for (size_t k = 0; k < samples_per_channel; k++)
        for (size_t channel = 0; channel < num_channels; channel++)
            out[k * num_channels + channel] = in[k];
}

LKU_INLINE void downmix_body(const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                             lku_s16 *LKU_RESTRICT out) {
    if (num_channels == 2) {
        for (size_t k = 0; k < samples_per_channel; k++)
            out[k] = (int16_t)((in[2 * k] + in[2 * k + 1] + 1) >> 1);
        return;
    }
    const int32_t n = (int32_t)num_channels;
    for (size_t k = 0; k < samples_per_channel; k++) {
        int32_t sum = 0;
        for (size_t channel = 0; channel < num_channels; channel++)
            sum += in[k * num_channels + channel];
        /* Moved into the positive numbers for the division, which there rounds down. */
        out[k] = (int16_t)((int64_t)((int64_t)sum + n / 2 + (int64_t)32768 * n) / n - 32768);
    }
}

LKU_KERNEL_VARIANTS(upmix,
                    (const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_s16 *LKU_RESTRICT out),
                    (in, samples_per_channel, num_channels, out))
LKU_KERNEL_VARIANTS(downmix,
                    (const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_s16 *LKU_RESTRICT out),
                    (in, samples_per_channel, num_channels, out))

void lku_upmix_s16(lku_simd simd, const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_s16 *out) {
    if (num_channels == 1)
        memcpy(out, in, samples_per_channel * sizeof(int16_t));
    else
        LKU_KERNEL_CALL(upmix, simd, (in, samples_per_channel, num_channels, out));
}

void lku_downmix_s16(lku_simd simd, const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_s16 *out) {
    if (num_channels == 1)
        memcpy(out, in, samples_per_channel * sizeof(int16_t));
    else
        LKU_KERNEL_CALL(downmix, simd, (in, samples_per_channel, num_channels, out));
}
