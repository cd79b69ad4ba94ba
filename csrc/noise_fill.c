#include "noise_fill.h"

#include <math.h>

size_t lku_noise_fill_num_floats(size_t num_channels, size_t num_bins) {
    return 4 * num_channels * num_bins;
}

void lku_noise_fill_init(lku_noise_fill *state, size_t num_channels, size_t num_bins, float *memory) {
    const size_t row = num_channels * num_bins;
    state->num_channels = num_channels;
    state->num_bins = num_bins;
    state->random = 1;
    state->mic = memory;
    state->before = memory + row;
    state->out = memory + 2 * row;
    state->missing = memory + 3 * row;
}

float lku_noise_fill_push(lku_noise_fill *state, const lku_f32 *mic, const lku_f32 *out, const lku_f32 *noise) {
    const size_t bins = state->num_bins;
    float greatest = 0.0f;
    for (size_t channel = 0; channel < state->num_channels; channel++)
        for (size_t b = 0; b < bins; b++) {
            const size_t i = channel * bins + b;
            const float power = lku_smooth_power(mic + 2 * channel * bins, bins, b);
            const float left = lku_smooth_power(out + 2 * channel * bins, bins, b);
            state->before[i] = state->mic[i];
            state->mic[i] = LKU_FILL_MEMORY * state->mic[i] + (1.0f - LKU_FILL_MEMORY) * power;
            state->out[i] = LKU_FILL_MEMORY * state->out[i] + (1.0f - LKU_FILL_MEMORY) * left;
            /* The lesser of noise * (1 - out / before) and noise - out. */
            const float divisor = state->before[i] < noise[i] ? state->before[i] : noise[i];
            const float missing = divisor > 0.0f ? noise[i] * (1.0f - state->out[i] / divisor) : 0.0f;
            state->missing[i] = missing > 0.0f ? missing : 0.0f;
            greatest = state->missing[i] > greatest ? state->missing[i] : greatest;
        }
    return greatest;
}

/* xorshift by G. Marsaglia. */
LKU_INLINE uint32_t next_random(uint32_t x) {
    x ^= x << 13;
    x ^= x >> 17;
    return x ^ (x << 5);
}

void lku_noise_fill_make(lku_noise_fill *state, const size_t *places, float scale, size_t num_places,
                         lku_f32 *spectrum) {
    static const float sign[] = {-1.0f, 1.0f};
    const float half = scale * sqrtf(0.5f);
    uint32_t random = state->random;
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        const float *missing = state->missing + channel * state->num_bins;
        lku_f32 *row = spectrum + 2 * channel * num_places;
        size_t at = 0;
        for (; at < places[0]; at++)
            row[2 * at] = row[2 * at + 1] = 0.0f;
        for (size_t b = 0; b + 1 < state->num_bins; b++) {
            const float rise = (missing[b + 1] - missing[b]) / (float)(places[b + 1] - places[b]);
            const size_t end = b + 2 == state->num_bins ? num_places : places[b + 1];
            for (; at < end; at++) {
                const float power = missing[b] + rise * (float)(at - places[b]);
                const float amplitude = half * sqrtf(power > 0.0f ? power : 0.0f);
                random = next_random(random);
                row[2 * at] = amplitude * sign[random >> 31];
                row[2 * at + 1] = amplitude * sign[random >> 30 & 1u];
            }
        }
    }
    state->random = random;
}
