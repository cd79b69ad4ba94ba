#include "polyphase.h"

#include <string.h>

#if LKU_HAS_TARGETS
#include "polyphase_x86.h"
#endif

enum {
    CHUNK = 1024 /* input frames that find room besides those of the longest row of taps */
};

void lku_polyphase_arrange(lku_polyphase_filter *filter, const lku_f32 *phases, lku_f32 *taps, uint16_t *inputs) {
    const size_t num_taps = filter->num_taps;
    for (size_t row = 0; row < filter->num_phases + LKU_POLYPHASE_SPARE_ROWS; row++) {
        const size_t position = row * filter->step;
        memcpy(taps + row * num_taps, phases + position % filter->num_phases * num_taps, num_taps * sizeof *taps);
        inputs[row] = (uint16_t)(position / filter->num_phases);
    }
    filter->taps = taps;
    filter->inputs = inputs;
}

size_t lku_polyphase_memory(const lku_polyphase_filter *filter, size_t num_channels) {
    return (filter->num_taps + CHUNK) * num_channels;
}

void lku_polyphase_init(lku_polyphase *state, const lku_polyphase_filter *filter, size_t num_channels,
                        lku_f32 *memory) {
    state->filter = filter;
    state->num_channels = num_channels;
    state->memory = memory;
    state->capacity = filter->num_taps + CHUNK;
    lku_polyphase_reset(state);
}

void lku_polyphase_reset(lku_polyphase *state) {
    /* The silence before the stream, which the first output still reaches back to. */
    const size_t silence = state->filter->num_taps - 1 - state->filter->look_ahead;
    for (size_t channel = 0; channel < state->num_channels; channel++)
        for (size_t i = 0; i < silence; i++)
            state->memory[channel * state->capacity + i] = 0.0f;
    state->start = 0;
    state->end = silence;
    state->row = 0;
}

size_t lku_polyphase_num_outputs(const lku_polyphase *state, size_t samples_per_channel) {
    const lku_polyphase_filter *filter = state->filter;
    const uint64_t known = (uint64_t)(state->end - state->start) + samples_per_channel;
    if (known < filter->num_taps)
        return 0;
    /* In units of 1 / num_phases of an input: from the next output to before where there are too few for another. */
    const uint64_t phase = state->row * filter->step % filter->num_phases;
    const uint64_t room = (known - filter->num_taps + 1) * filter->num_phases - 1 - phase;
    return (size_t)(room / filter->step) + 1;
}

LKU_INLINE void load_body(const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                          lku_f32 *LKU_RESTRICT to) {
    if (num_channels == 1) { /* spelled out, as two are, because the compiler vectorises only a fixed stride */
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k];
    } else if (num_channels == 2) {
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k * 2];
    } else {
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k * num_channels];
    }
}

LKU_KERNEL_VARIANTS(load,
                    (const lku_s16 *in, size_t samples_per_channel, size_t num_channels, lku_f32 *LKU_RESTRICT to),
                    (in, samples_per_channel, num_channels, to))

LKU_INLINE int16_t rounded(float value) {
    /* As in convert.c: adding this rounds to an integer, ties to even. */
    const float magic = 12582912.0f;
    value = value < -32768.0f ? -32768.0f : value;
    value = value > 32767.0f ? 32767.0f : value;
    return (int16_t)(int32_t)((value + magic) - magic);
}

/* One channel. Of the round of rows that the first output is in, row 0 lies at in[origin], which may be before in[0]. */
static void filter_channel(const lku_polyphase_filter *filter, const lku_f32 *in, size_t origin, size_t row,
                           size_t num_outputs, size_t num_channels, lku_s16 *out) {
    for (size_t k = 0; k < num_outputs; k++) {
        const lku_f32 *taps = filter->taps + row * filter->num_taps, *values = in + (origin + filter->inputs[row]);
        float sums[LKU_POLYPHASE_LANES] = {0};
        for (size_t j = 0; j < filter->num_taps; j += LKU_POLYPHASE_LANES)
            for (size_t lane = 0; lane < LKU_POLYPHASE_LANES; lane++)
                sums[lane] += taps[j + lane] * values[j + lane];
        out[k * num_channels] =
            rounded(((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7])));
        if (++row == filter->num_phases) {
            row = 0;
            origin += filter->step;
        }
    }
}

/* Puts the frames behind those that are there, where they find room. */
static void append(lku_simd simd, lku_polyphase *state, const lku_s16 *in, size_t samples_per_channel) {
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        lku_f32 *to = state->memory + channel * state->capacity + state->end;
        LKU_KERNEL_CALL(load, simd, (in + channel, samples_per_channel, state->num_channels, to));
    }
    state->end += samples_per_channel;
}

/* Moves what is still needed to where the memory begins. */
static void make_room(lku_polyphase *state) {
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        lku_f32 *memory = state->memory + channel * state->capacity;
        memmove(memory, memory + state->start, (state->end - state->start) * sizeof *memory);
    }
    state->end -= state->start;
    state->start = 0;
}

/* Computes outputs, and is then at the next. */
static void emit(lku_simd simd, lku_polyphase *state, size_t num_outputs, lku_s16 *out) {
    const lku_polyphase_filter *filter = state->filter;
    const size_t num_channels = state->num_channels, row = state->row;
    const size_t origin = state->start - filter->inputs[row]; /* modulo 2^64: what is added makes up for it */

#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        lku_polyphase_avx2(filter, state->memory, state->capacity, origin, row, num_outputs, num_channels, out);
    else
#else
    (void)simd;
#endif
        for (size_t channel = 0; channel < num_channels; channel++)
            filter_channel(filter, state->memory + channel * state->capacity, origin, row, num_outputs, num_channels,
                           out + channel);

    const size_t next = row + num_outputs;
    state->row = next % filter->num_phases;
    state->start += next / filter->num_phases * filter->step + filter->inputs[state->row] - filter->inputs[row];
}

void lku_polyphase_s16(lku_simd simd, lku_polyphase *state, const lku_s16 *in, size_t samples_per_channel,
                       lku_s16 *out) {
    while (samples_per_channel > 0) {
        /* What has come in reaches the next output's first product, whose row is longer than a step. */
        if (state->capacity - state->end < samples_per_channel)
            make_room(state);
        const size_t taken = lku_min_size(samples_per_channel, state->capacity - state->end);
        append(simd, state, in, taken);
        in += taken * state->num_channels;
        samples_per_channel -= taken;

        const size_t num_outputs = lku_polyphase_num_outputs(state, 0);
        emit(simd, state, num_outputs, out);
        out += num_outputs * state->num_channels;
    }
}
