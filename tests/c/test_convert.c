#include <math.h>

#include "convert.h"
#include "testing.h"

enum { ROUNDS = 1000 };

static float random_f32(void) {
    static const float special[] = {1.0f, -1.0f, 0.0f, -0.0f, 1e-45f, 3.4e38f, -3.4e38f, 255.99998f};
    const uint32_t bits = (uint32_t)random_u64();
    float value;
    switch (random_below(5)) {
    case 0: return special[random_below(sizeof special / sizeof *special)];
    case 1: return random_below(2) ? NAN : random_below(2) ? INFINITY : -INFINITY;
    case 2: return ((float)random_below(140000) - 70000.0f) / 65536.0f; /* ties */
    case 3: memcpy(&value, &bits, sizeof value); return value;
    default: return ((float)random_below(1 << 24) / (float)(1 << 23) - 1.0f) * 1.1f;
    }
}

static int32_t plain_s16(float value) {
    if (isnan(value))
        return 0;
    const double scaled = (double)value * 32768.0;
    return scaled <= -32768.0 ? -32768 : scaled >= 32767.0 ? 32767 : (int32_t)rint(scaled);
}

static void test_to_f32(size_t num_samples) {
    block in = make_noise(num_samples);
    FOR_EACH_SIMD(simd) {
        block out = make_block(num_samples * sizeof(float));
        lku_s16_to_f32(simd, in.data, num_samples, out.data);
        for (size_t i = 0; i < num_samples; i++) {
            const int16_t sample = ((const lku_s16 *)in.data)[i];
            const float got = ((const lku_f32 *)out.data)[i];
            CHECK((double)got == sample / 32768.0, "level %d: %d became %g", (int)simd, sample, (double)got);
        }
        drop_block(out);
    }
    drop_block(in);
}

static void test_to_s16(size_t num_samples) {
    block in = make_block(num_samples * sizeof(float));
    /* Blocks that fit, those in which some are beyond full scale or far beyond, those with NaN, and those with anything. */
    static const float limits[] = {0.9999f, 1.5f, 384.0f, 500.0f, NAN, INFINITY};
    const size_t kind = random_below(sizeof limits / sizeof *limits);
    const float limit = limits[kind];
    size_t saturated = 0;
    for (size_t i = 0; i < num_samples; i++) {
        float value = random_f32();
        if (kind > 0 && random_below(4) == 0)
            value = ((float)random_below(1 << 20) / (float)(1 << 19) - 1.0f) * (kind < 4 ? limit : 1.0f);
        if (kind < 5 && !(fabsf(value) <= (kind < 4 ? limit : 1.0f)))
            value = kind > 0 && random_below(2) ? -limit : 0.25f;
        ((lku_f32 *)in.data)[i] = value;
        saturated += !(rint((double)value * 32768.0) >= -32768.0 && rint((double)value * 32768.0) <= 32767.0);
    }
    FOR_EACH_SIMD(simd) {
        block out = make_block(num_samples * sizeof(int16_t));
        const size_t counted = lku_f32_to_s16(simd, in.data, num_samples, out.data);
        CHECK(counted == saturated, "level %d: %zu saturated, not %zu", (int)simd, counted, saturated);
        for (size_t i = 0; i < num_samples; i++) {
            const float value = ((const lku_f32 *)in.data)[i];
            const int16_t got = ((const lku_s16 *)out.data)[i];
            CHECK(got == plain_s16(value), "level %d: %.9g became %d", (int)simd, (double)value, got);
        }
        drop_block(out);
    }
    drop_block(in);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        test_to_f32(random_size(5000));
        test_to_s16(random_size(5000));
    }
    return 0;
}
