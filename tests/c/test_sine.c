#include <math.h>

#include "sine.h"
#include "testing.h"

enum { ROUNDS = 300 };

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t num_samples = round == 0 ? 50000 : random_size(9000);
        const double peak = random_below(4) == 0 ? 32767.0 : (double)random_below(32768);
        const double phase = (double)random_below(1 << 20) / (1 << 20);
        const double step = (double)random_below(1 << 19) / (1 << 20);
        block baseline = make_block(num_samples * sizeof(int16_t));
        lku_sine_s16(LKU_SIMD_BASELINE, peak, phase, step, num_samples, baseline.data);
        for (size_t i = 0; i < num_samples; i++) {
            /* Phase and step are multiples of 2^-20: this angle is exact. */
            const double ideal = peak * sin(fmod(phase + (double)i * step, 1.0) * 6.283185307179586);
            const int16_t got = ((const lku_s16 *)baseline.data)[i];
            CHECK(fabs(got - ideal) <= 0.5001, "sample %zu is %d, expected %g", i, got, ideal);
        }
        FOR_EACH_SIMD(simd) {
            block out = make_block(num_samples * sizeof(int16_t));
            lku_sine_s16(simd, peak, phase, step, num_samples, out.data);
            CHECK(memcmp(out.data, baseline.data, out.num_bytes) == 0, "level %d, step %g", (int)simd, step);
            drop_block(out);
        }
        drop_block(baseline);
    }
    return 0;
}
