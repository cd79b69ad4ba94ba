#include "linear.h"

size_t lku_linear_num_outputs(const lku_linear *state, size_t samples_per_channel) {
    /* The last output may lie on the last frame, or between the last two. In units of 1 / output_rate: */
    if (samples_per_channel == 0 || state->frame > samples_per_channel - 1)
        return 0;
    const uint64_t whole = samples_per_channel - 1 - state->frame;
    if (whole == 0)
        return state->rest == 0 ? 1 : 0;
    const uint64_t room = whole * state->output_rate - state->rest;
    return (size_t)(room / state->input_rate) + 1;
}

size_t lku_linear_s16(lku_linear *state, const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                      lku_s16 *out) {
    const size_t num_outputs = lku_linear_num_outputs(state, samples_per_channel);
    const uint64_t input_rate = state->input_rate;
    const int64_t output_rate = (int64_t)state->output_rate;
    /* Division of non-negative numbers rounds down, so samples are moved there and back. */
    const int64_t bias = 32768 * output_rate + output_rate / 2;

    for (size_t k = 0; k < num_outputs; k++) {
        const lku_s16 *here = in + (size_t)state->frame * num_channels;
        const int64_t rest = (int64_t)state->rest;
        /* With rest 0 the next frame has no weight, and may not exist. */
        const lku_s16 *next = rest == 0 ? here : here + num_channels;
        for (size_t channel = 0; channel < num_channels; channel++)
            out[k * num_channels + channel] =
                (int16_t)((here[channel] * (output_rate - rest) + next[channel] * rest + bias) / output_rate - 32768);
        state->rest += input_rate;
        state->frame += state->rest / state->output_rate;
        state->rest %= state->output_rate;
    }
    const size_t used = lku_min_size((size_t)state->frame, samples_per_channel);
    state->frame -= used;
    return used;
}
