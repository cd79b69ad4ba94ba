#include "channels.h"
#include "testing.h"

enum { ROUNDS = 400 };

static void test_upmix(size_t samples_per_channel, size_t num_channels) {
    block in = make_noise(samples_per_channel);
    FOR_EACH_SIMD(simd) {
        block out = make_block(samples_per_channel * num_channels * sizeof(int16_t));
        lku_upmix_s16(simd, in.data, samples_per_channel, num_channels, out.data);
        for (size_t i = 0; i < samples_per_channel * num_channels; i++)
            CHECK(((const lku_s16 *)out.data)[i] == ((const lku_s16 *)in.data)[i / num_channels],
                  "level %d, %zu channels, sample %zu", (int)simd, num_channels, i);
        drop_block(out);
    }
    drop_block(in);
}

static void test_downmix(size_t samples_per_channel, size_t num_channels, int16_t constant) {
    block in = make_noise(samples_per_channel * num_channels);
    if (constant != 0)
        for (size_t i = 0; i < samples_per_channel * num_channels; i++)
            ((lku_s16 *)in.data)[i] = constant;
    FOR_EACH_SIMD(simd) {
        block out = make_block(samples_per_channel * sizeof(int16_t));
        lku_downmix_s16(simd, in.data, samples_per_channel, num_channels, out.data);
        for (size_t k = 0; k < samples_per_channel; k++) {
            int64_t sum = 0;
            for (size_t channel = 0; channel < num_channels; channel++)
                sum += ((const lku_s16 *)in.data)[k * num_channels + channel];
            const int64_t expected = floor_div(2 * sum + (int64_t)num_channels, 2 * (int64_t)num_channels);
            const int16_t got = ((const lku_s16 *)out.data)[k];
            CHECK(got == expected, "level %d, %zu channels, frame %zu: %d", (int)simd, num_channels, k, got);
        }
        drop_block(out);
    }
    drop_block(in);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t num_channels = 1 + random_below(round % 10 == 0 ? 100 : 8);
        test_upmix(random_size(4200 / num_channels), num_channels);
        test_downmix(random_size(4200 / num_channels), num_channels, 0);
    }
    test_upmix(3, 32768);
    test_downmix(3, 32768, INT16_MIN);
    test_downmix(3, 32768, INT16_MAX);
    return 0;
}
