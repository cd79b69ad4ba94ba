/* Windows that cover every pixel with the same weight, and planes of one value that stay as they are. */
#include "scale.h"
#include "testing.h"

enum { ROUNDS = 300, MAX_SIZE = 40 };

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const lku_scale_filter filter = (lku_scale_filter)random_below(3);
        const size_t from = 1 + random_below(LKU_SCALE_MAX_SIZE), to = 1 + random_below(LKU_SCALE_MAX_SIZE);
        for (size_t i = 0; i < to; i += 1 + to / 50) {
            const lku_scale_window window = lku_scale_window_at(filter, from, to, i);
            uint64_t sum = window.first_weight;
            if (window.count > 1)
                sum += (uint64_t)(window.count - 2) * to + window.last_weight;
            CHECK(window.count >= 1 && (size_t)window.first + window.count <= from, "%zu of %zu to %zu", i, from, to);
            CHECK(sum == lku_scale_total(filter, from, to), "%zu of %zu to %zu", i, from, to);
        }
        const size_t w = 1 + random_below(MAX_SIZE), h = 1 + random_below(MAX_SIZE);
        const size_t new_w = 1 + random_below(MAX_SIZE), new_h = 1 + random_below(MAX_SIZE), n = 1 + random_below(4);
        const int value = (int)random_below(256);
        FOR_EACH_SIMD(simd) {
            block in = make_block(w * h * n), out = make_block(new_w * new_h * n);
            lku_scale_window *windows = malloc(new_w * sizeof *windows);
            uint32_t *sums = malloc(w * n * sizeof *sums);
            const lku_plane source = {in.data, (ptrdiff_t)(w * n)}, target = {out.data, (ptrdiff_t)(new_w * n)};
            memset(in.data, value, w * h * n);
            lku_scale_plane(simd, filter, &source, w, h, &target, new_w, new_h, n, 1, windows, sums);
            for (size_t i = 0; i < new_w * new_h * n; i++)
                CHECK(((uint8_t *)out.data)[i] == value, "value %zu", i);
            free(windows);
            free(sums);
            drop_block(in);
            drop_block(out);
        }
    }
    return 0;
}
