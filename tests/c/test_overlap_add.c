#include <math.h>

#include "overlap_add.h"
#include "testing.h"

enum { ROUNDS = 60, MAX_SIZE = 200, MAX_CHANNELS = 3 };

/* A spectrum with its lowest number alone is a constant, faded in and out. */
static void one_round(lku_simd simd) {
    const double pi = acos(-1.0);
    const size_t size = 1 + random_below(MAX_SIZE), count = 1 + random_below(MAX_CHANNELS);
    float *memory = calloc(lku_overlap_add_num_floats(count, size), sizeof *memory);
    CHECK(memory != NULL, "memory");
    lku_overlap_add state;
    lku_overlap_add_init(&state, count, size, memory);
    block samples = make_noise(size * count), before = make_block(samples.num_bytes);
    block spectrum = make_block(2 * (size + 1) * count * sizeof(float));
    memset(spectrum.data, 0, spectrum.num_bytes);
    for (size_t channel = 0; channel < count; channel++)
        ((lku_f32 *)spectrum.data)[2 * channel * (size + 1)] = (float)(2 * size) * 1000.0f * (float)(channel + 1);
    for (size_t half = 0; half < 3; half++) {
        memcpy(before.data, samples.data, samples.num_bytes);
        lku_overlap_add_push(simd, &state, half == 0 ? spectrum.data : NULL, samples.data);
        for (size_t i = 0; i < size * count; i++) {
            const double turn = pi * ((double)(half * size + i / count) + 0.5) / (double)(2 * size);
            const double added = half < 2 ? 1000.0 * (double)(i % count + 1) * sin(turn) : 0.0;
            const double wanted = fmin(fmax(((const lku_s16 *)before.data)[i] + added, -32768.0), 32767.0);
            const int16_t got = ((const lku_s16 *)samples.data)[i];
            CHECK(fabs(got - wanted) < 0.52, "half %zu, value %zu is %d, expected %f", half, i, got, wanted);
        }
    }
    free(memory);
    drop_block(samples);
    drop_block(before);
    drop_block(spectrum);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (int simd = LKU_SIMD_BASELINE; simd <= (int)lku_simd_detect(); simd++)
            one_round((lku_simd)simd);
    return 0;
}
