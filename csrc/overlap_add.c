#include "overlap_add.h"

#include <math.h>
#include <string.h>

size_t lku_overlap_add_num_floats(size_t num_channels, size_t samples_per_channel) {
    return lku_fft_num_floats(samples_per_channel, num_channels) + samples_per_channel * (num_channels + 2);
}

void lku_overlap_add_init(lku_overlap_add *state, size_t num_channels, size_t samples_per_channel, float *memory) {
    const double pi = 3.14159265358979323846;
    const size_t length = 2 * samples_per_channel;
    state->num_channels = num_channels;
    state->samples_per_channel = samples_per_channel;
    state->fade = memory;
    state->tail = memory + length;
    lku_fft_init(&state->fft, samples_per_channel, num_channels, state->tail + samples_per_channel * num_channels);
    for (size_t i = 0; i < length; i++)
        state->fade[i] = (float)sin(pi * ((double)i + 0.5) / (double)length);
}

/* Returns a sample of the sound that the transform back has made. */
LKU_INLINE float sample_at(const lku_fft *fft, size_t row, size_t i) {
    return fft->planes[(i & 1) * fft->size * fft->num_rows + (i >> 1) * fft->num_rows + row];
}

LKU_INLINE void add_body(const float *LKU_RESTRICT tail, lku_s16 *LKU_RESTRICT samples, size_t num_samples) {
    LKU_INDEPENDENT
    for (size_t i = 0; i < num_samples; i++) {
        const float value = (float)samples[i] + tail[i];
        samples[i] = (int16_t)lku_nearest(value < -32768.0f ? -32768.0f : value > 32767.0f ? 32767.0f : value);
    }
}

LKU_KERNEL_VARIANTS(add, (const float *tail, lku_s16 *samples, size_t num_samples), (tail, samples, num_samples))

void lku_overlap_add_push(lku_simd simd, lku_overlap_add *state, const lku_f32 *spectrum, lku_s16 *samples) {
    const size_t count = state->num_channels, size = state->samples_per_channel;
    if (spectrum != NULL) {
        lku_fft_backward(simd, &state->fft, spectrum);
        for (size_t i = 0; i < size; i++)
            for (size_t channel = 0; channel < count; channel++)
                state->tail[i * count + channel] += state->fade[i] * sample_at(&state->fft, channel, i);
    }
    LKU_KERNEL_CALL(add, simd, (state->tail, samples, size * count));
    if (spectrum == NULL) {
        memset(state->tail, 0, size * count * sizeof *state->tail);
        return;
    }
    for (size_t i = 0; i < size; i++)
        for (size_t channel = 0; channel < count; channel++)
            state->tail[i * count + channel] = state->fade[size + i] * sample_at(&state->fft, channel, size + i);
}
