#include "upper_band.h"

#include <math.h>
#include <string.h>

void lku_upper_band_init(lku_upper_band *state, lku_upper_channel *channels) {
    state->channels = channels;
    memset(channels, 0, state->num_channels * sizeof *channels);
    for (size_t channel = 0; channel < state->num_channels; channel++)
        for (size_t i = 0; i <= LKU_UPPER_PARTS; i++)
            channels[channel].gains[i] = 1.0f;
}

/* Returns the power of the second difference of `count` samples; `last` are the two before them. */
static double top_power(const lku_s16 *samples, size_t stride, size_t count, int32_t last[2]) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        const int32_t sample = samples[i * stride], difference = sample - 2 * last[1] + last[0];
        sum += (int64_t)difference * difference;
        last[0] = last[1];
        last[1] = sample;
    }
    return (double)sum;
}

/* Returns the gain that the echo in the upper band of a channel leaves. */
static float echo_gain(const lku_upper_band *state, const lku_f32 *mic, const lku_f32 *echo) {
    float mic_power = 0.0f, echo_power = 0.0f;
    for (size_t b = state->first_bin; b < state->num_bins; b++) {
        mic_power += mic[2 * b] * mic[2 * b] + mic[2 * b + 1] * mic[2 * b + 1];
        echo_power += echo[b];
    }
    const float above = mic_power - LKU_UPPER_ECHO * echo_power;
    const float whole = (LKU_UPPER_CLEAR - LKU_UPPER_ECHO) * echo_power;
    return above >= whole ? 1.0f : above > 0.0f ? above / whole : 0.0f;
}

void lku_upper_band_listen(lku_upper_band *state, const lku_s16 *before, const lku_s16 *after, const lku_f32 *mic,
                           const lku_f32 *echo) {
    const size_t stride = state->num_channels, size = state->low_per_channel, bins = state->num_bins;
    for (size_t c = 0; c < stride; c++) {
        lku_upper_channel *channel = &state->channels[c];
        const float most = echo == NULL ? 1.0f : echo_gain(state, mic + 2 * c * bins, echo + c * bins);
        channel->gains[0] = channel->gains[LKU_UPPER_PARTS];
        for (size_t part = 0; part < LKU_UPPER_PARTS; part++) {
            const size_t start = part * size / LKU_UPPER_PARTS, end = (part + 1) * size / LKU_UPPER_PARTS;
            const size_t first = start * stride + c, count = end - start;
            channel->power_before = LKU_UPPER_MEMORY * channel->power_before +
                                    top_power(before + first, stride, count, channel->before);
            channel->power_after = LKU_UPPER_MEMORY * channel->power_after +
                                   top_power(after + first, stride, count, channel->after);
            /* Where there is silence before and after, nothing was removed. */
            const float share = (float)((channel->power_after + 1.0) / (channel->power_before + 1.0));
            const float root = sqrtf(share), gain = root * sqrtf(root);
            channel->gains[part + 1] = gain < most ? gain : most;
        }
    }
}

LKU_INLINE void add_part(const lku_s16 *LKU_RESTRICT mic, const lku_s16 *LKU_RESTRICT low, lku_s16 *LKU_RESTRICT out,
                         size_t stride, size_t count, float from, float step) {
    LKU_INDEPENDENT
    for (size_t i = 0; i < count; i++) {
        const float gain = from + step * (float)(int32_t)(i + 1);
        const float upper = (float)((int32_t)mic[i * stride] - low[i * stride]);
        out[i * stride] = lku_sat_s16(lku_nearest((float)out[i * stride] + gain * upper));
    }
}

LKU_INLINE void add_body(const lku_upper_band *state, const lku_s16 *mic, const lku_s16 *low, lku_s16 *out) {
    const size_t stride = state->num_channels, size = state->samples_per_channel;
    for (size_t c = 0; c < stride; c++) {
        const float *gains = state->channels[c].gains;
        for (size_t part = 0; part < LKU_UPPER_PARTS; part++) {
            const size_t start = part * size / LKU_UPPER_PARTS, count = (part + 1) * size / LKU_UPPER_PARTS - start;
            const size_t first = start * stride + c;
            const float step = (gains[part + 1] - gains[part]) / (float)count;
            if (stride == 1) /* by itself, so that it becomes a loop over vectors */
                add_part(mic + first, low + first, out + first, 1, count, gains[part], step);
            else
                add_part(mic + first, low + first, out + first, stride, count, gains[part], step);
        }
    }
}

LKU_KERNEL_VARIANTS(add, (const lku_upper_band *state, const lku_s16 *mic, const lku_s16 *low, lku_s16 *out),
                    (state, mic, low, out))

void lku_upper_band_add(lku_simd simd, const lku_upper_band *state, const lku_s16 *mic, const lku_s16 *low, lku_s16 *out) {
    LKU_KERNEL_CALL(add, simd, (state, mic, low, out));
}
