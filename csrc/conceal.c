#include "conceal.h"

#include <string.h>

/* Milliseconds. */
enum { MIN_PERIOD = 5, MAX_PERIOD = 15, WINDOW = 20, FULL_LEVEL = 10, SILENCE = 60, FADE_IN = 4, MAX_FADE_IN = 10 };

/* Hz. The first search looks at so few samples and periods; the second only around what it found. */
enum { SEARCH_RATE = 8000 };

LKU_INLINE size_t in_samples(const lku_conceal *state, size_t ms) {
    return state->sample_rate * ms / 1000;
}

size_t lku_conceal_memory(size_t sample_rate) {
    return sample_rate * WINDOW / 1000 + 2 * (sample_rate * MAX_PERIOD / 1000);
}

void lku_conceal_init(lku_conceal *state, size_t sample_rate, int16_t *memory) {
    state->sample_rate = sample_rate;
    state->min_period = in_samples(state, MIN_PERIOD);
    state->max_period = in_samples(state, MAX_PERIOD);
    state->window = in_samples(state, WINDOW);
    state->history = memory;
    state->cycle = memory + state->window + state->max_period;
    state->period = state->min_period;
    state->position = 0;
    state->num_lost = 0;
    state->step = 0;
    memset(memory, 0, lku_conceal_memory(sample_rate) * sizeof *memory);
}

static void remember(lku_conceal *state, const int16_t *samples, size_t num_samples) {
    const size_t room = state->window + state->max_period;
    if (num_samples >= room) {
        memcpy(state->history, samples + num_samples - room, room * sizeof *samples);
    } else {
        memmove(state->history, state->history + num_samples, (room - num_samples) * sizeof *samples);
        memcpy(state->history + room - num_samples, samples, num_samples * sizeof *samples);
    }
}

/* How well the last window fits what was `period` before it: the square of the correlation over the energy there. */
static double similarity(const lku_conceal *state, size_t period, size_t stride) {
    const int16_t *now = state->history + state->max_period, *before = now - period;
    int64_t product = 0, energy = 0;
    for (size_t i = 0; i < state->window; i += stride) {
        product += (int32_t)now[i] * before[i];
        energy += (int32_t)before[i] * before[i];
    }
    return product > 0 ? (double)product * (double)product / (double)energy : 0.0;
}

static size_t find_period(const lku_conceal *state) {
    const size_t stride = state->sample_rate < 2 * SEARCH_RATE ? 1 : state->sample_rate / SEARCH_RATE;
    size_t best = state->max_period;
    double most = 0.0;
    for (size_t period = state->min_period; period <= state->max_period; period += stride) {
        const double found = similarity(state, period, stride);
        if (found > most) {
            most = found;
            best = period;
        }
    }
    if (stride == 1)
        return best;
    const size_t first = best - state->min_period < stride ? state->min_period : best - stride;
    const size_t last = state->max_period - best < stride ? state->max_period : best + stride;
    most = 0.0;
    for (size_t period = first; period <= last; period++) {
        const double found = similarity(state, period, 1);
        if (found > most) {
            most = found;
            best = period;
        }
    }
    return best;
}

/* The last period, whose end fades into what was before it, so that its repetition has no step. */
static void begin(lku_conceal *state) {
    const size_t length = state->window + state->max_period, period = find_period(state);
    const int16_t *from = state->history + length - period;
    const size_t overlap = period / 4;

    memcpy(state->cycle, from, period * sizeof *from);
    for (size_t i = 0; i < overlap; i++) {
        const int64_t here = from[period - overlap + i], before = *(from - overlap + i);
        const int64_t weight = (int64_t)i + 1, whole = (int64_t)overlap;
        state->cycle[period - overlap + i] = (int16_t)((here * (whole - weight) + before * weight) / whole);
    }
    state->period = period;
    state->position = 0;
    state->step = (int32_t)state->history[length - 1] - *(from - 1);
}

/* The next sample of the gap. */
static int16_t next(lku_conceal *state) {
    const int64_t full = (int64_t)in_samples(state, FULL_LEVEL), silence = (int64_t)in_samples(state, SILENCE);
    const int64_t lost = (int64_t)state->num_lost, ramp = (int64_t)(state->period / 4);
    int64_t value = state->cycle[state->position];

    if (lost < ramp)
        value += state->step * (ramp - lost) / (ramp + 1);
    if (lost >= silence)
        value = 0;
    else if (lost > full)
        value = value * (silence - lost) / (silence - full);
    state->position = state->position + 1 < state->period ? state->position + 1 : 0;
    state->num_lost++;
    return lku_sat_s16((int32_t)value);
}

void lku_conceal_received(lku_conceal *state, int16_t *samples, size_t num_samples) {
    if (state->num_lost > 0) {
        /* Longer after a longer gap, whose period will have drifted. */
        const size_t longer = in_samples(state, FADE_IN) + state->num_lost * 4 / 10;
        const size_t most = in_samples(state, MAX_FADE_IN);
        const size_t fade = lku_min_size(longer < most ? longer : most, num_samples);
        for (size_t i = 0; i < fade; i++) {
            const int64_t weight = (int64_t)i + 1, whole = (int64_t)fade + 1;
            samples[i] = (int16_t)((next(state) * (whole - weight) + samples[i] * weight) / whole);
        }
        state->num_lost = 0;
    }
    remember(state, samples, num_samples);
}

void lku_conceal_lost(lku_conceal *state, int16_t *out, size_t num_samples) {
    if (state->num_lost == 0)
        begin(state);
    for (size_t i = 0; i < num_samples; i++)
        out[i] = next(state);
    remember(state, out, num_samples);
}
