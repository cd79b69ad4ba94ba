#include "noise_floor.h"

#include <string.h>

/* Below any power that counts, and above the denormal numbers, which are slow. */
#define LEAST 1e-9f

/* Above any power. */
#define UNKNOWN 1e30f

size_t lku_noise_floor_num_floats(size_t num_channels, size_t num_bins) {
    return (2 * LKU_FLOOR_MEAN + 2 * LKU_FLOOR_PARTS + 1) * num_channels * num_bins;
}

void lku_noise_floor_init(lku_noise_floor *state, size_t num_channels, size_t num_bins, float *memory) {
    const size_t row = num_channels * num_bins;
    state->num_channels = num_channels;
    state->num_bins = num_bins;
    state->num_blocks = state->row = state->part = state->in_part = 0;
    state->mic = memory;
    state->echo = state->mic + LKU_FLOOR_MEAN * row;
    state->clear = state->echo + LKU_FLOOR_MEAN * row;
    state->any = state->clear + LKU_FLOOR_PARTS * row;
    state->end = state->any + LKU_FLOOR_PARTS * row;
    for (size_t i = 0; i < 2 * LKU_FLOOR_MEAN * row; i++)
        state->mic[i] = 0.0f;
    for (size_t i = 0; i < row; i++)
        state->end[i] = 0.0f;
    for (size_t i = 0; i < 2 * LKU_FLOOR_PARTS * row; i++)
        state->clear[i] = UNKNOWN;
}

/* Returns the echo that is expected in a bin, as the mean of it and its neighbours. */
static float smooth_echo(const lku_f32 *echo, size_t num_bins, size_t bin) {
    if (bin == 0 || bin + 1 == num_bins)
        return echo[bin];
    return (echo[bin - 1] + echo[bin] + echo[bin + 1]) / 3.0f;
}

static void take(lku_noise_floor *state, const lku_f32 *mic, const lku_f32 *echo) {
    const size_t bins = state->num_bins, row = state->num_channels * bins;
    float *mic_row = state->mic + state->row * row, *echo_row = state->echo + state->row * row;
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        const size_t start = channel * bins;
        for (size_t b = 0; b < bins; b++) {
            const float now = echo == NULL ? 0.0f : smooth_echo(echo + start, bins, b);
            const float left = LKU_FLOOR_DECAY * state->end[start + b], begun = LKU_FLOOR_END * now;
            mic_row[start + b] = lku_smooth_power(mic + 2 * start, bins, b);
            echo_row[start + b] = now > left ? now : left;
            state->end[start + b] = begun > left ? begun : left > LEAST ? left : 0.0f;
        }
    }
    state->row = (state->row + 1) % LKU_FLOOR_MEAN;
}

/* Returns the mean of all rows at one place. */
static float mean_at(const float *rows, size_t row, size_t i) {
    float sum = 0.0f;
    for (size_t k = 0; k < LKU_FLOOR_MEAN; k++)
        sum += rows[k * row + i];
    return sum / LKU_FLOOR_MEAN;
}

static float least_at(const float *rows, size_t row, size_t i) {
    float least = rows[i];
    for (size_t k = 1; k < LKU_FLOOR_PARTS; k++)
        least = rows[k * row + i] < least ? rows[k * row + i] : least;
    return least;
}

void lku_noise_floor_push(lku_noise_floor *state, const lku_f32 *mic, const lku_f32 *echo, lku_f32 *noise) {
    const size_t row = state->num_channels * state->num_bins;
    take(state, mic, echo);
    if (state->num_blocks < LKU_FLOOR_MEAN && ++state->num_blocks < LKU_FLOOR_MEAN)
        return;
    if (state->in_part == LKU_FLOOR_PART) {
        state->part = (state->part + 1) % LKU_FLOOR_PARTS;
        state->in_part = 0;
        for (size_t i = 0; i < row; i++)
            state->clear[state->part * row + i] = state->any[state->part * row + i] = UNKNOWN;
    }
    state->in_part++;
    float *clear = state->clear + state->part * row, *any = state->any + state->part * row;
    for (size_t i = 0; i < row; i++) {
        const float power = mean_at(state->mic, row, i), of_echo = mean_at(state->echo, row, i);
        if (power < any[i])
            any[i] = power;
        if (power >= LKU_FLOOR_CLEAR * of_echo && power < clear[i])
            clear[i] = power;
        const float heard = least_at(state->clear, row, i), most = least_at(state->any, row, i);
        float now = heard < UNKNOWN ? LKU_FLOOR_LEAST_TO_MEAN * heard : noise[i];
        if (now > LKU_FLOOR_LEAST_TO_MEAN * most)
            now = LKU_FLOOR_LEAST_TO_MEAN * most;
        noise[i] = now;
    }
}
