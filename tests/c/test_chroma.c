/* Sums over rows and squares, and values twice, beside a plain loop. */
#include "chroma.h"
#include "testing.h"

enum { ROUNDS = 600, MAX_VALUES = 300 };

static uint32_t limited(uint32_t value) {
    return value < 1023 ? value : 1023;
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t n = random_size(MAX_VALUES), half = n / 2 + n % 2;
        block a = make_noise(n), b = make_noise(n);
        const uint8_t *a8 = a.data, *b8 = b.data;
        const lku_u16 *a16 = a.data, *b16 = b.data;
        FOR_EACH_SIMD(simd) {
            uint16_t *sums = malloc(n * 2 + 2), *wide = malloc(n * 2 + 2);
            uint8_t *out = malloc(n + 1);
            lku_sum_rows_u8(simd, a8, b8, n, sums);
            for (size_t i = 0; i < n; i++)
                CHECK(sums[i] == 2 * (a8[i] + b8[i]), "value %zu", i);
            lku_sum_rows_u10(simd, a16, b16, n, sums);
            for (size_t i = 0; i < n; i++)
                CHECK(sums[i] == 2 * (limited(a16[i]) + limited(b16[i])), "value %zu", i);
            lku_double_u16(simd, sums, n, wide);
            lku_double_u8(simd, a8, n, out);
            for (size_t i = 0; i < n; i++)
                CHECK(wide[i] == sums[i / 2] && out[i] == a8[i / 2], "value %zu", i);
            lku_sum_squares_u8(simd, a8, b8, n, sums);
            lku_sum_squares_u10(simd, a16, b16, n, wide);
            for (size_t i = 0; i < half; i++) {
                const size_t j = 2 * i, k = j + 1 < n ? j + 1 : j;
                CHECK(sums[i] == a8[j] + a8[k] + b8[j] + b8[k], "square %zu of %zu", i, n);
                CHECK(wide[i] == limited(a16[j]) + limited(a16[k]) + limited(b16[j]) + limited(b16[k]), "square %zu", i);
            }
            lku_sums_to_u8(simd, sums, half, lku_depth_change_make(8, 8, 1, 1), out);
            for (size_t i = 0; i < half; i++)
                CHECK(out[i] == (sums[i] + 2) / 4, "square %zu", i);
            free(sums);
            free(wide);
            free(out);
        }
        drop_block(a);
        drop_block(b);
    }
    return 0;
}
