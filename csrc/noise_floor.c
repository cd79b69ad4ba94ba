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

/* So many places are looked at side by side, so that the loops over them become loops over vectors. */
enum { TILE = 16 };

/* Writes the mean of all rows at `count` places, up to TILE. */
LKU_INLINE void mean_at(const float *rows, size_t row, size_t count, float *LKU_RESTRICT mean) {
    for (size_t i = 0; i < count; i++)
        mean[i] = 0.0f;
    for (size_t k = 0; k < LKU_FLOOR_MEAN; k++)
        for (size_t i = 0; i < count; i++)
            mean[i] += rows[k * row + i];
    for (size_t i = 0; i < count; i++)
        mean[i] /= LKU_FLOOR_MEAN;
}

/* Writes the least of all parts. */
LKU_INLINE void least_at(const float *rows, size_t row, size_t count, float *LKU_RESTRICT least) {
    for (size_t i = 0; i < count; i++)
        least[i] = rows[i];
    for (size_t k = 1; k < LKU_FLOOR_PARTS; k++)
        for (size_t i = 0; i < count; i++)
            least[i] = rows[k * row + i] < least[i] ? rows[k * row + i] : least[i];
}

/* Updates `count` places from `start` on. */
LKU_INLINE void update(lku_noise_floor *state, size_t row, size_t start, size_t count, lku_f32 *LKU_RESTRICT noise) {
    float power[TILE], of_echo[TILE], heard[TILE], most[TILE];
    float *clear = state->clear + state->part * row + start, *any = state->any + state->part * row + start;
    mean_at(state->mic + start, row, count, power);
    mean_at(state->echo + start, row, count, of_echo);
    for (size_t i = 0; i < count; i++) {
        any[i] = power[i] < any[i] ? power[i] : any[i];
        const float least = power[i] < clear[i] ? power[i] : clear[i];
        clear[i] = power[i] >= LKU_FLOOR_CLEAR * of_echo[i] ? least : clear[i];
    }
    least_at(state->clear + start, row, count, heard);
    least_at(state->any + start, row, count, most);
    for (size_t i = 0; i < count; i++) {
        const float now = heard[i] < UNKNOWN ? LKU_FLOOR_LEAST_TO_MEAN * heard[i] : noise[start + i];
        const float limit = LKU_FLOOR_LEAST_TO_MEAN * most[i];
        noise[start + i] = now > limit ? limit : now;
    }
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
    size_t start = 0;
    for (; start + TILE <= row; start += TILE)
        update(state, row, start, TILE, noise);
    if (start < row)
        update(state, row, start, row - start, noise);
}
