#include <stdbool.h>

#include "mix.h"
#include "testing.h"

enum { ROUNDS = 400, MAX_INPUTS = 20, MANY = 70000 };

static int32_t random_gain(void) {
    static const int32_t gains[] = {0, LKU_GAIN_UNITY, -LKU_GAIN_UNITY, 1, -1, INT32_MAX, INT32_MIN, LKU_GAIN_UNITY / 2};
    if (random_below(2))
        return gains[random_below(sizeof gains / sizeof *gains)];
    return (int32_t)(uint32_t)random_u64();
}

static uint32_t random_ramp(void) {
    switch (random_below(5)) {
    case 0: return 0;
    case 1: return UINT32_MAX;
    case 2: return (uint32_t)random_u64();
    default: return (uint32_t)random_size(2000);
    }
}

/* The step is cut towards 0, the gain itself rounds down. */
static int64_t plain_gain(const lku_mix_input *input, uint64_t frame) {
    frame += input->ramp_position;
    if (frame >= input->ramp_length)
        return input->gain;
    const int64_t step = ((int64_t)input->gain - input->gain_from) * 16777216 / (int64_t)input->ramp_length;
    return input->gain_from + floor_div(step * (int64_t)frame, 16777216);
}

/* The same for a ramp of a shape, which may begin later. */
static int64_t plain_ramp(const lku_ramp *ramp, size_t frame) {
    const int64_t at = ramp->position + (int64_t)frame;
    const lku_mix_input as_input = {NULL, ramp->value, ramp->from, ramp->length, 0, NULL};
    return at < 0 ? ramp->from : plain_gain(&as_input, at < 0 ? 0 : (uint64_t)at);
}

/* What mix_shape.h says, for a sample. */
static int64_t shaped_gain(const lku_mix_input *input, size_t sample, size_t num_channels) {
    const size_t frame = sample / num_channels;
    const int64_t unity = 1 << 24;
    int64_t gain = plain_gain(input, frame);
    if (input->shape == NULL)
        return gain;
    const int64_t x = plain_ramp(&input->shape->fade, frame), square = x * x / unity;
    int64_t sine = 1332419 + floor_div(-72522 * square, unity);
    sine = -10836170 + floor_div(sine * square, unity);
    sine = 26353489 + floor_div(sine * square, unity);
    sine = floor_div(x * sine, unity);
    CHECK(sine >= 0 && sine <= unity + 16, "sine of %lld is %lld", (long long)x, (long long)sine);
    gain = floor_div(gain * (sine > unity ? unity : sine), unity);
    for (size_t i = 0; i < LKU_MIX_NUM_FACTORS; i++)
        gain = floor_div(gain * plain_ramp(&input->shape->factors[i], frame), unity);
    if (num_channels != 2)
        return gain;
    gain = floor_div(gain * plain_ramp(&input->shape->sides[sample % 2], frame), unity);
    return gain > INT32_MAX ? INT32_MAX : gain < INT32_MIN ? INT32_MIN : gain;
}

static int32_t random_factor(void) {
    return random_below(2) ? LKU_GAIN_UNITY : (int32_t)random_below(2) * (int32_t)(random_u64() >> 40);
}

static lku_ramp random_move(void) {
    const int64_t position = random_below(2) ? (int64_t)random_size(2000) : -(int64_t)random_size(2000);
    return lku_ramp_make(random_factor(), random_factor(), random_below(2) ? 0 : random_ramp(), position);
}

static lku_mix_shape random_shape(void) {
    lku_mix_shape made;
    made.fade = random_move();
    for (size_t i = 0; i < LKU_MIX_NUM_FACTORS; i++)
        made.factors[i] = random_move();
    for (size_t i = 0; i < 2; i++) {
        made.sides[i] = random_move();
        made.sides[i] = lku_ramp_make(made.sides[i].from + (int32_t)random_below(LKU_GAIN_UNITY / 2),
                                      made.sides[i].value * (1 + (int32_t)random_below(2)), made.sides[i].length,
                                      made.sides[i].position);
    }
    return made;
}

static void compare(const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel, size_t num_channels) {
    FOR_EACH_SIMD(simd) {
        block out = make_block(samples_per_channel * num_channels * sizeof(int16_t));
        lku_mix_s16(simd, inputs, num_inputs, samples_per_channel, num_channels, out.data);
        const lku_s16 *got = out.data;
        for (size_t i = 0; i < samples_per_channel * num_channels; i++) {
            int64_t sum = 0;
            for (size_t j = 0; j < num_inputs; j++)
                sum += inputs[j].samples[i] * shaped_gain(&inputs[j], i, num_channels);
            const int32_t expected = clamp_s16(floor_div(sum + (1 << 23), 1 << 24));
            CHECK(got[i] == expected, "level %d, %zu inputs, %zu frames of %zu: sample %zu is %d, expected %d",
                  (int)simd, num_inputs, samples_per_channel, num_channels, i, got[i], expected);
        }
        drop_block(out);
    }
}

/* Memory for sums, which stand where an int64_t may. */
static int64_t *make_sums(size_t num_samples) {
    int64_t *sums = malloc((num_samples + (num_samples == 0)) * sizeof *sums);
    CHECK(sums != NULL, "out of memory");
    return sums;
}

/* The sum without every `step`th input, from `first` on: as a mix of the others, and unsaturated. */
static void compare_less(const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                         size_t num_channels) {
    const size_t num_samples = samples_per_channel * num_channels;
    const size_t step = 1 + random_below(3), offset = random_below(3);
    lku_mix_input left_out[MAX_INPUTS], others[MAX_INPUTS];
    size_t num_left_out = 0, num_others = 0;
    for (size_t j = 0; j < num_inputs; j++) {
        if (j % step == offset)
            left_out[num_left_out++] = inputs[j];
        else
            others[num_others++] = inputs[j];
    }
    FOR_EACH_SIMD(simd) {
        int64_t *sum = make_sums(num_samples), *rest = make_sums(num_samples), *other = make_sums(num_samples);
        block out = make_block(num_samples * sizeof(int16_t)), expected = make_block(num_samples * sizeof(int16_t));
        lku_mix_sum(simd, inputs, num_inputs, samples_per_channel, num_channels, sum);
        lku_mix_sum(simd, others, num_others, samples_per_channel, num_channels, other);
        lku_mix_rest(simd, sum, left_out, num_left_out, samples_per_channel, num_channels, rest);
        lku_mix_less(simd, sum, left_out, num_left_out, samples_per_channel, num_channels, out.data);
        lku_mix_s16(LKU_SIMD_BASELINE, others, num_others, samples_per_channel, num_channels, expected.data);
        for (size_t i = 0; i < num_samples; i++) {
            int64_t plain = 0;
            for (size_t j = 0; j < num_inputs; j++)
                plain += inputs[j].samples[i] * shaped_gain(&inputs[j], i, num_channels);
            CHECK(sum[i] == plain, "level %d: sum %zu is %lld", (int)simd, i, (long long)sum[i]);
        }
        CHECK(memcmp(rest, other, num_samples * sizeof(int64_t)) == 0, "level %d: the rest differs", (int)simd);
        CHECK(memcmp(out.data, expected.data, num_samples * sizeof(int16_t)) == 0,
              "level %d, %zu of %zu inputs left out: the mix differs", (int)simd, num_left_out, num_inputs);
        free(sum);
        free(rest);
        free(other);
        drop_block(out);
        drop_block(expected);
    }
}

static void test_random(bool unity) {
    static const size_t channel_counts[] = {1, 2, 3, 6, 127, LKU_MIX_MAX_CHANNELS};
    for (int round = 0; round < ROUNDS; round++) {
        const size_t num_channels = channel_counts[random_below(sizeof channel_counts / sizeof *channel_counts)];
        const size_t samples_per_channel = random_size(4200 / num_channels);
        const size_t num_inputs = random_below(MAX_INPUTS + 1);
        block data[MAX_INPUTS];
        lku_mix_input inputs[MAX_INPUTS];
        lku_mix_shape shapes[MAX_INPUTS];
        const bool shaped = !unity && random_below(2);
        for (size_t j = 0; j < num_inputs; j++) {
            shapes[j] = random_shape();
            inputs[j].shape = shaped && random_below(4) ? &shapes[j] : NULL;
            data[j] = make_noise(samples_per_channel * num_channels);
            inputs[j].samples = data[j].data;
            inputs[j].gain = unity ? LKU_GAIN_UNITY : random_gain();
            inputs[j].gain_from = unity ? 0 : random_gain();
            inputs[j].ramp_length = unity ? 0 : random_ramp();
            inputs[j].ramp_position = random_below(2) ? 0 : random_ramp();
        }
        compare(inputs, num_inputs, samples_per_channel, num_channels);
        compare_less(inputs, num_inputs, samples_per_channel, num_channels);
        for (size_t j = 0; j < num_inputs; j++)
            drop_block(data[j]);
    }
}

static void test_ramp_gain(void) {
    for (int round = 0; round < 100000; round++) {
        const lku_mix_input input = {NULL, random_gain(), random_gain(), random_ramp(), 0, NULL};
        const uint32_t frame = random_below(2) ? (uint32_t)random_u64() : (uint32_t)random_below(3000);
        const int32_t got = lku_mix_ramp_gain(input.gain_from, input.gain, input.ramp_length, frame);
        CHECK(got == plain_gain(&input, frame), "from %d to %d in %u at %u: %d", input.gain_from, input.gain,
              input.ramp_length, frame, got);
        const int32_t low = input.gain < input.gain_from ? input.gain : input.gain_from;
        const int32_t high = input.gain < input.gain_from ? input.gain_from : input.gain;
        CHECK(got >= low && got <= high, "from %d to %d: %d", input.gain_from, input.gain, got);
    }
}

/* More full-scale inputs than an int32_t holds, on either side of where the kernel changes over. */
static void test_many(size_t num_inputs, int16_t sample) {
    lku_mix_input *inputs = malloc(num_inputs * sizeof *inputs);
    CHECK(inputs != NULL, "out of memory");
    block data = make_block(9 * sizeof(int16_t));
    for (size_t i = 0; i < 9; i++)
        ((lku_s16 *)data.data)[i] = sample;
    for (size_t j = 0; j < num_inputs; j++)
        inputs[j] = (lku_mix_input){data.data, LKU_GAIN_UNITY, LKU_GAIN_UNITY, 0, 0, NULL};
    compare(inputs, num_inputs, 9, 1);
    drop_block(data);
    free(inputs);
}

int main(int argc, char **argv) {
    start(argc, argv);
    test_random(true);
    test_random(false);
    test_ramp_gain();
    for (size_t num_inputs = 65535; num_inputs <= 65537; num_inputs++) {
        test_many(num_inputs, INT16_MIN);
        test_many(num_inputs, INT16_MAX);
    }
    test_many(MANY, INT16_MIN);
    test_many(MANY, INT16_MAX);
    return 0;
}
