#include "short_spectrum.h"

#include <math.h>
#include <string.h>

enum { LANES = LKU_SPECTRUM_LANES };

/* Numbers of a bin in `turns`: of each lane the real parts, then the imaginary parts, and those that join even and odd
 * samples. */
enum { TURNS = 2 * LANES + 2 };

static size_t lanes_of(size_t samples_per_channel) {
    size_t lanes = LANES;
    while (samples_per_channel % lanes != 0)
        lanes /= 2;
    return lanes;
}

size_t lku_short_spectrum_num_floats(size_t num_channels, size_t samples_per_channel, size_t num_bins) {
    const size_t rows = 2 * num_channels + 1, lanes = lanes_of(samples_per_channel);
    return lku_fft_num_floats(samples_per_channel / lanes, rows * lanes) + 2 * samples_per_channel * (rows + 1) +
           TURNS * num_bins;
}

void lku_short_spectrum_init(lku_short_spectrum *state, size_t num_channels, size_t samples_per_channel,
                             const size_t *bins, size_t num_bins, float *memory) {
    const double pi = 3.14159265358979323846;
    const size_t rows = 2 * num_channels + 1, length = 2 * samples_per_channel;
    const size_t lanes = lanes_of(samples_per_channel);
    state->num_channels = num_channels;
    state->samples_per_channel = samples_per_channel;
    state->lanes = lanes;
    state->bins = bins;
    state->num_bins = num_bins;
    state->window = memory;
    state->sound = state->window + length;
    state->turns = state->sound + length * rows;
    lku_fft_init(&state->fft, samples_per_channel / lanes, rows * lanes, state->turns + TURNS * num_bins);
    double energy = 0.0;
    for (size_t i = 0; i < length; i++) {
        const double value = 0.5 - 0.5 * cos(2.0 * pi * (double)i / (double)length);
        energy += value * value;
    }
    for (size_t i = 0; i < length; i++) {
        const double value = 0.5 - 0.5 * cos(2.0 * pi * (double)i / (double)length);
        state->window[i] = (float)(value / sqrt(energy));
    }
    for (size_t b = 0; b < num_bins; b++) {
        float *turns = state->turns + TURNS * b;
        for (size_t lane = 0; lane < lanes; lane++) {
            const double angle = 2.0 * pi * (double)(lane * bins[b] % samples_per_channel) / (double)samples_per_channel;
            turns[lane] = (float)cos(angle);
            turns[LANES + lane] = (float)-sin(angle);
        }
        turns[2 * LANES] = (float)cos(pi * (double)bins[b] / (double)samples_per_channel);
        turns[2 * LANES + 1] = (float)-sin(pi * (double)bins[b] / (double)samples_per_channel);
    }
}

/* Appends a block to a row, of which the one before becomes the first half. */
LKU_INLINE void append(float *LKU_RESTRICT row, size_t size, const lku_s16 *samples, size_t stride) {
    memcpy(row, row + size, size * sizeof *row);
    for (size_t i = 0; i < size; i++)
        row[size + i] = samples[i * stride];
}

LKU_INLINE void append_mean(float *LKU_RESTRICT row, size_t size, const lku_s16 *samples, size_t count) {
    const float share = 1.0f / (float)count;
    memcpy(row, row + size, size * sizeof *row);
    for (size_t i = 0; i < size; i++) {
        int32_t sum = 0;
        for (size_t channel = 0; channel < count; channel++)
            sum += samples[i * count + channel];
        row[size + i] = share * (float)sum;
    }
}

/* Writes a row to the transform, `lanes` neighbours of it side by side. */
LKU_INLINE void spread(const float *LKU_RESTRICT window, const float *LKU_RESTRICT sound, size_t size, size_t lanes,
                       size_t columns, float *LKU_RESTRICT re, float *LKU_RESTRICT im) {
    for (size_t t = 0; t < size / lanes; t++)
        for (size_t lane = 0; lane < lanes; lane++) {
            const size_t i = 2 * (t * lanes + lane);
            re[t * columns + lane] = window[i] * sound[i];
            im[t * columns + lane] = window[i + 1] * sound[i + 1];
        }
}

LKU_INLINE void take_body(lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out, const lku_s16 *ref) {
    const size_t count = state->num_channels, rows = 2 * count + 1, size = state->samples_per_channel;
    const size_t lanes = state->lanes;
    for (size_t row = 0; row < rows; row++) {
        float *sound = state->sound + 2 * size * row;
        if (count == 1)
            append(sound, size, row == 0 ? mic : row == 1 ? out : ref, 1);
        else if (row < 2 * count)
            append(sound, size, row < count ? mic + row : out + (row - count), count);
        else
            append_mean(sound, size, ref, count);
        float *re = state->fft.planes + row * lanes, *im = re + size * rows;
        if (lanes == LANES)
            spread(state->window, sound, size, LANES, rows * LANES, re, im);
        else
            spread(state->window, sound, size, lanes, rows * lanes, re, im);
    }
}

LKU_KERNEL_VARIANTS(take, (lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out, const lku_s16 *ref),
                    (state, mic, out, ref))

/* Returns the sum of all lanes, in pairs. */
LKU_INLINE float add_up(float *values, size_t lanes) {
    for (size_t half = lanes / 2; half > 0; half /= 2)
        for (size_t i = 0; i < half; i++)
            values[i] += values[i + half];
    return values[0];
}

/* Joins the transforms of the lanes to number k of the whole transform. Those that turn it are those of k, or where
 * `sign` is -1, of `size` - k. */
LKU_INLINE void join(const float *re, const float *im, const float *turns, float sign, size_t lanes, float *number) {
    float all_re[LANES], all_im[LANES];
    for (size_t lane = 0; lane < lanes; lane++) {
        const float c = turns[lane], s = sign * turns[LANES + lane];
        all_re[lane] = re[lane] * c - im[lane] * s;
        all_im[lane] = re[lane] * s + im[lane] * c;
    }
    number[0] = add_up(all_re, lanes);
    number[1] = add_up(all_im, lanes);
}

LKU_INLINE void find_in_lanes(const lku_short_spectrum *state, size_t lanes, lku_f32 *spectra) {
    const size_t rows = 2 * state->num_channels + 1, size = state->samples_per_channel, part = size / lanes;
    for (size_t b = 0; b < state->num_bins; b++) {
        const size_t k = state->bins[b];
        const float *turns = state->turns + TURNS * b, *w = turns + 2 * LANES;
        const float *here = state->fft.planes + k % part * rows * lanes;
        const float *there = state->fft.planes + (size - k) % part * rows * lanes;
        for (size_t row = 0; row < rows; row++) {
            float near[2], far[2];
            join(here + row * lanes, here + size * rows + row * lanes, turns, 1.0f, lanes, near);
            join(there + row * lanes, there + size * rows + row * lanes, turns, -1.0f, lanes, far);
            lku_fft_join(near, far, w, spectra + 2 * (row * state->num_bins + b));
        }
    }
}

LKU_INLINE void find_body(const lku_short_spectrum *state, lku_f32 *spectra) {
    if (state->lanes == LANES)
        find_in_lanes(state, LANES, spectra);
    else
        find_in_lanes(state, state->lanes, spectra);
}

LKU_KERNEL_VARIANTS(find, (const lku_short_spectrum *state, lku_f32 *spectra), (state, spectra))

void lku_short_spectrum_push(lku_simd simd, lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out,
                             const lku_s16 *ref, lku_f32 *spectra) {
    LKU_KERNEL_CALL(take, simd, (state, mic, out, ref));
    lku_fft_forward(simd, &state->fft);
    LKU_KERNEL_CALL(find, simd, (state, spectra));
}
