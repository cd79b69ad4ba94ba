#include <math.h>

#include "short_spectrum.h"
#include "testing.h"

enum { ROUNDS = 60, MAX_SIZE = 200, MAX_CHANNELS = 3 };

/* Blocks that end where their memory does. The lowest bin is the sum of the sound with the window. */
static void one_round(lku_simd simd) {
    const double pi = acos(-1.0);
    const size_t size = 1 + random_below(MAX_SIZE), count = 1 + random_below(MAX_CHANNELS), rows = 2 * count + 1;
    const size_t bins[] = {0, size};
    float *memory = calloc(lku_short_spectrum_num_floats(count, size, 2), sizeof *memory);
    CHECK(memory != NULL, "memory");
    lku_short_spectrum state;
    lku_short_spectrum_init(&state, count, size, bins, 2, memory);
    block mic = make_noise(size * count), out = make_noise(size * count), ref = make_noise(size * count);
    block spectra = make_block(rows * 2 * 2 * sizeof(float));
    for (int k = 0; k < 2; k++)
        lku_short_spectrum_push(simd, &state, mic.data, out.data, ref.data, spectra.data);
    double sum = 0.0, energy = 0.0;
    for (size_t i = 0; i < 2 * size; i++) {
        const double window = 0.5 - 0.5 * cos(pi * (double)i / (double)size);
        sum += window * ((const lku_s16 *)out.data)[i % size * count];
        energy += window * window;
    }
    const double got = (double)((const lku_f32 *)spectra.data)[4 * count];
    CHECK(fabs(got - sum / sqrt(energy)) < 0.5, "size %zu: %f, expected %f", size, got, sum / sqrt(energy));
    free(memory);
    drop_block(mic);
    drop_block(out);
    drop_block(ref);
    drop_block(spectra);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (int simd = LKU_SIMD_BASELINE; simd <= (int)lku_simd_detect(); simd++)
            one_round((lku_simd)simd);
    return 0;
}
