#include <math.h>

#include "fft.h"
#include "testing.h"

enum { ROUNDS = 60, MAX_SIZE = 200, MAX_ROWS = 5 };

/* Any size, against the sum itself; then back. */
static void one_round(lku_simd simd) {
    const double pi = acos(-1.0);
    const size_t size = 1 + random_below(MAX_SIZE), rows = 1 + random_below(MAX_ROWS);
    float *memory = calloc(lku_fft_num_floats(size, rows), sizeof *memory);
    float *sound = calloc(2 * size * rows, sizeof *sound), *spectrum = calloc(2 * (size + 1) * rows, sizeof *spectrum);
    CHECK(memory != NULL && sound != NULL && spectrum != NULL, "memory");
    lku_fft fft;
    lku_fft_init(&fft, size, rows, memory);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < 2 * size; i++) {
            sound[row * 2 * size + i] = random_s16();
            fft.planes[(i % 2) * size * rows + i / 2 * rows + row] = sound[row * 2 * size + i];
        }
    lku_fft_forward(simd, &fft);
    for (size_t row = 0; row < rows; row++)
        for (size_t k = 0; k <= size; k++) {
            double re = 0.0, im = 0.0;
            for (size_t i = 0; i < 2 * size; i++) {
                const double angle = pi * (double)(i * k % (2 * size)) / (double)size;
                re += (double)sound[row * 2 * size + i] * cos(angle);
                im -= (double)sound[row * 2 * size + i] * sin(angle);
            }
            float *bin = spectrum + 2 * (row * (size + 1) + k);
            lku_fft_bin(&fft, row, k, bin);
            CHECK(hypot(bin[0] - re, bin[1] - im) < 0.1 * (double)size, "size %zu, row %zu, bin %zu", size, row, k);
        }
    lku_fft_backward(simd, &fft, spectrum);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < 2 * size; i++) {
            const float got = fft.planes[(i % 2) * size * rows + i / 2 * rows + row];
            CHECK(fabsf(got - sound[row * 2 * size + i]) < 0.5f, "size %zu, row %zu, sample %zu", size, row, i);
        }
    free(memory);
    free(sound);
    free(spectrum);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (int simd = LKU_SIMD_BASELINE; simd <= (int)lku_simd_detect(); simd++)
            one_round((lku_simd)simd);
    return 0;
}
