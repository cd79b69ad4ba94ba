/* All levels agree, white is white, black is black, and grey has no colour. */
#include "testing.h"
#include "yuv.h"

enum { ROUNDS = 300, MAX_VALUES = 300 };

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t n = random_size(MAX_VALUES);
        const int full_range = (int)random_below(2);
        const lku_yuv_matrix matrix = lku_yuv_matrix_make(0.299, 0.114, full_range, 8);
        block in[3], first[4];
        const uint8_t *from[3];
        for (int i = 0; i < 3; i++) {
            in[i] = make_noise((n + 1) / 2);
            from[i] = in[i].data;
        }
        for (int i = 0; i < 4; i++)
            first[i] = make_block(n);
        FOR_EACH_SIMD(simd) {
            block out[4];
            uint8_t *to[3];
            for (int i = 0; i < 4; i++)
                out[i] = make_block(n);
            for (int i = 0; i < 3; i++)
                to[i] = out[i].data;
            lku_yuv8_to_rgb(simd, from, n, &matrix, to);
            lku_rgb_to_y8(simd, from, n, &matrix, out[3].data);
            for (int i = 0; i < 4; i++) {
                if (simd == LKU_SIMD_BASELINE)
                    memcpy(first[i].data, out[i].data, n);
                CHECK(memcmp(first[i].data, out[i].data, n) == 0, "level %d, %zu values", (int)simd, n);
                drop_block(out[i]);
            }
        }
        for (int i = 0; i < 3; i++)
            drop_block(in[i]);
        for (int i = 0; i < 4; i++)
            drop_block(first[i]);
        const uint16_t white[1] = {1020}, *const sums[3] = {white, white, white};
        const uint8_t ends[2] = {0, 255}, *const greys[3] = {ends, ends, ends};
        uint8_t y[2], u, v;
        lku_rgb_to_y8(LKU_SIMD_BASELINE, greys, 2, &matrix, y);
        lku_sums_to_uv8(LKU_SIMD_BASELINE, sums, 1, &matrix, &u, &v);
        CHECK(y[0] == (full_range ? 0 : 16) && y[1] == (full_range ? 255 : 235), "%d, %d", y[0], y[1]);
        CHECK(u == 128 && v == 128, "%d, %d", u, v);
    }
    return 0;
}
