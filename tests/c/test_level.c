#include "level.h"
#include "testing.h"

enum { ROUNDS = 2000 };

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t num_samples = round == 0 ? 3000000 : random_size(5000);
        block in = make_noise(num_samples);
        const int32_t loudest = (int32_t)random_below(32769);
        int32_t peak = 0;
        uint64_t sum_squares = 0;
        for (size_t i = 0; i < num_samples; i++) {
            lku_s16 *sample = (lku_s16 *)in.data + i;
            if (round % 2 == 1 && abs(*sample) > loudest)
                *sample = 0;
            peak = abs(*sample) > peak ? abs(*sample) : peak;
            sum_squares += (uint64_t)((int64_t)*sample * *sample);
        }
        FOR_EACH_SIMD(simd) {
            lku_level level;
            memset(&level, 0x55, sizeof level);
            lku_level_s16(simd, in.data, num_samples, &level);
            CHECK(level.peak == peak, "level %d: %d, expected %d", (int)simd, level.peak, peak);
            CHECK(level.sum_squares == sum_squares, "level %d, %zu samples", (int)simd, num_samples);
        }
        drop_block(in);
    }
    return 0;
}
