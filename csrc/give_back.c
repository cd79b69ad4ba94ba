#include "give_back.h"

#include <math.h>
#include <string.h>

void lku_give_back_init(lku_give_back *state, double sample_rate, lku_s16 *recent, lku_give_back_channel *channels) {
    const double pi = 3.14159265358979323846;
    state->fresh = (float)(1.0 - exp(-2.0 * pi * LKU_GIVE_BACK_HZ / sample_rate));
    state->recent = recent;
    state->channels = channels;
}

static int64_t energy_of(const lku_s16 *samples, size_t stride, size_t count) {
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += samples[i * stride] * samples[i * stride];
    return sum;
}

/* Returns the share to be given back, of the energies before and after the suppressor. */
static float share_of(int64_t before, int64_t after) {
    if (before == 0)
        return 0.0f;
    const float gain = sqrtf((float)after / (float)before);
    const float above = (gain - LKU_GIVE_BACK_NOISE) / (LKU_GIVE_BACK_VOICE - LKU_GIVE_BACK_NOISE);
    return LKU_GIVE_BACK_MOST * (above <= 0.0f ? 0.0f : above >= 1.0f ? 1.0f : above);
}

static void give_channel(lku_give_back_channel *channel, float fresh, size_t count, size_t stride, const lku_s16 *before,
                         lku_s16 *after) {
    const float from = channel->share, to = share_of(energy_of(before, stride, count), energy_of(after, stride, count));
    channel->share = to;
    if (from == 0.0f && to == 0.0f) {
        channel->low = 0.0f;
        return;
    }
    const float step = (to - from) / (float)count, kept = 1.0f - fresh;
    float low = channel->low;
    for (size_t i = 0; i < count; i++) {
        const int32_t sample = after[i * stride], taken = before[i * stride] - sample;
        low = kept * low + fresh * (float)taken;
        const float share = from + step * (float)(int32_t)(i + 1);
        after[i * stride] = lku_sat_s16((int32_t)lrintf((float)sample + share * low));
    }
    channel->low = low;
}

void lku_give_back_push(lku_give_back *state, const lku_s16 *before, lku_s16 *after) {
    const size_t stride = state->num_channels, size = state->samples_per_channel;
    memcpy(state->recent + state->delay * stride, before, size * stride * sizeof *before);
    for (size_t c = 0; c < stride; c++)
        give_channel(&state->channels[c], state->fresh, size, stride, state->recent + c, after + c);
    memmove(state->recent, state->recent + size * stride, state->delay * stride * sizeof *before);
}
