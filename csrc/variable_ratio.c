#include "variable_ratio.h"

#include <string.h>

enum {
    CHUNK = 1024, /* input frames that find room besides those of the longest row of taps */
    TILE = 256    /* outputs that are placed, and computed for each channel, before they are rounded */
};

/* Where an output is computed from. */
typedef struct place {
    size_t in;
    size_t phase;
    float weight; /* of the next phase's row */
} place;

size_t lku_variable_memory(const lku_variable_filter *filter, size_t num_channels) {
    return (filter->num_taps + CHUNK) * num_channels;
}

size_t lku_variable_ratios(const lku_variable_filter *filter) {
    return filter->num_taps + CHUNK;
}

void lku_variable_init(lku_variable *state, const lku_variable_filter *filter, size_t num_channels, lku_f32 *memory,
                       double *ratios, double ratio) {
    state->filter = filter;
    state->num_channels = num_channels;
    state->memory = memory;
    state->ratios = ratios;
    state->capacity = filter->num_taps + CHUNK;
    lku_variable_set_ratio(state, ratio, 0);
    lku_variable_reset(state, 0);
}

void lku_variable_reset(lku_variable *state, double distance) {
    /* The silence before the stream, which the first output still reaches back to. */
    const size_t silence = state->filter->num_taps - 1 - state->filter->look_ahead;
    for (size_t channel = 0; channel < state->num_channels; channel++)
        for (size_t i = 0; i < silence; i++)
            state->memory[channel * state->capacity + i] = 0.0f;
    state->start = 0;
    state->end = silence;
    state->distance = distance;
    lku_variable_set_ratio(state, state->to, 0);
}

void lku_variable_set_ratio(lku_variable *state, double ratio, uint64_t ramp_length) {
    if (ramp_length == 0)
        state->ratio = ratio;
    state->from = state->ratio;
    state->to = ratio;
    state->ramp_length = ramp_length;
    state->ramp_done = 0;
}

size_t lku_variable_max_outputs(const lku_variable *state, size_t samples_per_channel, double max_ratio) {
    /* Each input gives its ratio of outputs, and the first may be one more; another one is for rounding. */
    const double inputs = (double)(state->end - state->start) + (double)samples_per_channel;
    return (size_t)(inputs * max_ratio) + 2;
}

double lku_variable_outputs_left(const lku_variable *state) {
    double left = -state->distance;
    for (size_t i = state->start + state->filter->num_taps - 1 - state->filter->look_ahead; i < state->end; i++)
        left += state->ratios[i];
    return left;
}

LKU_INLINE void load_body(const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                          lku_f32 *LKU_RESTRICT to) {
    if (num_channels == 1) { /* spelled out, because the compiler vectorises only a fixed stride */
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k];
    } else {
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k * num_channels];
    }
}

LKU_INLINE void store_body(const float *values, size_t samples_per_channel, size_t num_channels,
                           lku_s16 *LKU_RESTRICT out) {
    /* As in convert.c: adding this rounds to an integer, ties to even. */
    const float magic = 12582912.0f;
    for (size_t k = 0; k < samples_per_channel; k++) {
        float value = values[k] < -32768.0f ? -32768.0f : values[k];
        value = value > 32767.0f ? 32767.0f : value;
        out[k * num_channels] = (int16_t)(int32_t)((value + magic) - magic);
    }
}

LKU_INLINE float sum_of(const float *sums) {
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

LKU_INLINE void filter_body(const lku_variable_filter *filter, const lku_f32 *memory, const place *places,
                            size_t num_outputs, float *LKU_RESTRICT out) {
    for (size_t k = 0; k < num_outputs; k++) {
        const lku_f32 *in = memory + places[k].in;
        const lku_f32 *taps = filter->taps + places[k].phase * filter->num_taps;
        const lku_f32 *next = taps + filter->num_taps;
        float sums[LKU_VARIABLE_LANES] = {0}, next_sums[LKU_VARIABLE_LANES] = {0};
        for (size_t j = 0; j < filter->num_taps; j += LKU_VARIABLE_LANES)
            for (size_t lane = 0; lane < LKU_VARIABLE_LANES; lane++) {
                sums[lane] += taps[j + lane] * in[j + lane];
                next_sums[lane] += next[j + lane] * in[j + lane];
            }
        const float here = sum_of(sums);
        out[k] = here + places[k].weight * (sum_of(next_sums) - here);
    }
}

LKU_KERNEL_VARIANTS(load,
                    (const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_f32 *LKU_RESTRICT to),
                    (in, samples_per_channel, num_channels, to))
LKU_KERNEL_VARIANTS(store,
                    (const float *values, size_t samples_per_channel, size_t num_channels, lku_s16 *LKU_RESTRICT out),
                    (values, samples_per_channel, num_channels, out))
LKU_KERNEL_VARIANTS(filter,
                    (const lku_variable_filter *filter, const lku_f32 *memory, const place *places, size_t num_outputs,
                     float *LKU_RESTRICT out),
                    (filter, memory, places, num_outputs, out))

/* Puts the frames behind those that are there, where they find room, with their ratios. */
static void append(lku_simd simd, lku_variable *state, const lku_s16 *in, size_t samples_per_channel) {
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        lku_f32 *to = state->memory + channel * state->capacity + state->end;
        LKU_KERNEL_CALL(load, simd, (in + channel, samples_per_channel, state->num_channels, to));
    }
    double *ratios = state->ratios + state->end;
    for (size_t k = 0; k < samples_per_channel; k++) {
        ratios[k] = state->ratio;
        if (state->ramp_done < state->ramp_length) {
            state->ramp_done++;
            const double share = (double)state->ramp_done / (double)state->ramp_length;
            state->ratio = state->ramp_done == state->ramp_length ? state->to
                                                                  : state->from + (state->to - state->from) * share;
        }
    }
    state->end += samples_per_channel;
}

/* Moves what is still needed to where the memory begins. */
static void make_room(lku_variable *state) {
    const size_t held = state->end - state->start;
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        lku_f32 *memory = state->memory + channel * state->capacity;
        memmove(memory, memory + state->start, held * sizeof *memory);
    }
    memmove(state->ratios, state->ratios + state->start, held * sizeof *state->ratios);
    state->end = held;
    state->start = 0;
}

/* Finds the places of up to TILE outputs for which all input is there, and is then at the next. */
static size_t find_places(lku_variable *state, place *places) {
    const lku_variable_filter *filter = state->filter;
    const double *ratios = state->ratios + filter->num_taps - 1 - filter->look_ahead;
    const double num_phases = (double)filter->num_phases;
    double distance = state->distance;
    size_t start = state->start, n = 0;

    while (start + filter->num_taps <= state->end && n < TILE) {
        const double ratio = ratios[start];
        if (distance >= ratio) {
            distance -= ratio;
            start++;
            continue;
        }
        const double phase = distance / ratio * num_phases;
        size_t whole = (size_t)phase;
        whole = whole < filter->num_phases ? whole : filter->num_phases - 1;
        places[n++] = (place){start, whole, (float)(phase - (double)whole)};
        distance += 1.0;
    }
    state->start = start;
    state->distance = distance;
    return n;
}

size_t lku_variable_s16(lku_simd simd, lku_variable *state, const lku_s16 *in, size_t samples_per_channel,
                        lku_s16 *out) {
    size_t done = 0;
    while (samples_per_channel > 0) {
        /* What is held is shorter than a row, so there is room. */
        if (state->capacity - state->end < samples_per_channel)
            make_room(state);
        const size_t taken = lku_min_size(samples_per_channel, state->capacity - state->end);
        append(simd, state, in, taken);
        in += taken * state->num_channels;
        samples_per_channel -= taken;

        place places[TILE];
        float values[TILE];
        for (size_t n = find_places(state, places); n > 0; n = find_places(state, places)) {
            for (size_t channel = 0; channel < state->num_channels; channel++) {
                const lku_f32 *memory = state->memory + channel * state->capacity;
                LKU_KERNEL_CALL(filter, simd, (state->filter, memory, places, n, values));
                lku_s16 *to = out + done * state->num_channels + channel;
                LKU_KERNEL_CALL(store, simd, (values, n, state->num_channels, to));
            }
            done += n;
        }
    }
    return done;
}
