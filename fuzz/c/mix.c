/* Any gains, ramps and samples: all levels agree to the bit, and so do any order of the inputs and one block or two. */
#include "input.h"
#include "mix.h"

enum { MAX_INPUTS = 6, MAX_FRAMES = 300, MAX_CHANNELS = 5 };

static uint32_t take_u32(input *in) {
    return (uint32_t)(take_below(in, 2) ? take_u64(in) : take_below(in, 400));
}

static lku_ramp take_move(input *in) {
    const int32_t from = (int32_t)(take_u64(in) % (2 * LKU_GAIN_UNITY + 1));
    const int32_t value = (int32_t)(take_u64(in) % (2 * LKU_GAIN_UNITY + 1));
    return lku_ramp_make(from / 2, value / 2, take_u32(in), (int64_t)(int32_t)take_u32(in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes) {
    input in = {data, num_bytes};
    const size_t num_inputs = take_below(&in, MAX_INPUTS + 1), num_channels = 1 + take_below(&in, MAX_CHANNELS);
    const size_t samples_per_channel = take_below(&in, MAX_FRAMES), num_samples = samples_per_channel * num_channels;
    const lku_simd best = lku_simd_detect();
    lku_mix_input inputs[MAX_INPUTS], turned[MAX_INPUTS];
    lku_mix_shape shapes[MAX_INPUTS];
    lku_s16 *blocks[MAX_INPUTS];

    for (size_t i = 0; i < num_inputs; i++) {
        const int plain = take_below(&in, 3) == 0;
        lku_mix_input made = {NULL, LKU_GAIN_UNITY, 0, 0, 0, NULL};
        if (!plain) {
            made.gain = (int32_t)take_u32(&in);
            made.gain_from = (int32_t)take_u32(&in);
            made.ramp_length = take_u32(&in);
            made.ramp_position = take_u32(&in);
            shapes[i].fade = take_move(&in);
            for (size_t j = 0; j < LKU_MIX_NUM_FACTORS; j++)
                shapes[i].factors[j] = take_move(&in);
            for (size_t j = 0; j < 2; j++)
                shapes[i].sides[j] = take_move(&in);
            made.shape = take_below(&in, 2) ? &shapes[i] : NULL;
        }
        blocks[i] = take_memory(&in, num_samples * sizeof(int16_t));
        made.samples = blocks[i];
        inputs[i] = turned[num_inputs - 1 - i] = made;
    }

    lku_s16 *first = make_memory(num_samples * sizeof(int16_t)), *other = make_memory(num_samples * sizeof(int16_t));
    lku_mix_s16(LKU_SIMD_BASELINE, inputs, num_inputs, samples_per_channel, num_channels, first);
    for (int level = LKU_SIMD_BASELINE; level <= (int)best; level++) {
        lku_mix_s16((lku_simd)level, turned, num_inputs, samples_per_channel, num_channels, other);
        CHECK(memcmp(first, other, num_samples * sizeof(int16_t)) == 0);
    }
    for (size_t i = 0; i < num_inputs; i++)
        free(blocks[i]);
    free(first);
    free(other);
    return 0;
}
