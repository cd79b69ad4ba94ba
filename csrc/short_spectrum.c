#include "short_spectrum.h"

#include <math.h>
#include <string.h>

size_t lku_short_spectrum_num_floats(size_t num_channels, size_t samples_per_channel) {
    const size_t num_rows = 2 * num_channels + 1;
    return lku_fft_num_floats(samples_per_channel, num_rows) + 2 * samples_per_channel * (num_rows + 1);
}

void lku_short_spectrum_init(lku_short_spectrum *state, size_t num_channels, size_t samples_per_channel,
                             float *memory) {
    const double pi = 3.14159265358979323846;
    const size_t num_rows = 2 * num_channels + 1, length = 2 * samples_per_channel;
    state->num_channels = num_channels;
    state->samples_per_channel = samples_per_channel;
    state->window = memory;
    state->sound = memory + length;
    lku_fft_init(&state->fft, samples_per_channel, num_rows, state->sound + length * num_rows);
    double energy = 0.0;
    for (size_t i = 0; i < length; i++) {
        const double value = 0.5 - 0.5 * cos(2.0 * pi * (double)i / (double)length);
        energy += value * value;
    }
    for (size_t i = 0; i < length; i++) {
        const double value = 0.5 - 0.5 * cos(2.0 * pi * (double)i / (double)length);
        state->window[i] = (float)(value / sqrt(energy));
    }
}

void lku_short_spectrum_push(lku_simd simd, lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out,
                             const lku_s16 *ref, const size_t *bins, size_t num_bins, lku_f32 *spectra) {
    const size_t count = state->num_channels, rows = 2 * count + 1, size = state->samples_per_channel;
    const float share = 1.0f / (float)count;
    float *next = state->sound + size * rows;
    memcpy(state->sound, next, size * rows * sizeof *next);
    for (size_t i = 0; i < size; i++, next += rows) {
        int32_t sum = 0;
        for (size_t channel = 0; channel < count; channel++) {
            next[channel] = mic[i * count + channel];
            next[count + channel] = out[i * count + channel];
            sum += ref[i * count + channel];
        }
        next[rows - 1] = share * (float)sum;
    }
    for (size_t t = 0; t < size; t++) {
        const float even = state->window[2 * t], odd = state->window[2 * t + 1];
        const float *sound = state->sound + 2 * t * rows;
        float *re = state->fft.planes + t * rows, *im = re + size * rows;
        for (size_t row = 0; row < rows; row++) {
            re[row] = even * sound[row];
            im[row] = odd * sound[rows + row];
        }
    }
    lku_fft_forward(simd, &state->fft);
    for (size_t row = 0; row < rows; row++)
        for (size_t b = 0; b < num_bins; b++) {
            float bin[2];
            lku_fft_bin(&state->fft, row, bins[b], bin);
            spectra[2 * (row * num_bins + b)] = bin[0];
            spectra[2 * (row * num_bins + b) + 1] = bin[1];
        }
}
