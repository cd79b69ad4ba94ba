/* Rows that are taken apart and put together again, each byte in its place. */
#include "packed.h"
#include "testing.h"

enum { ROUNDS = 400, MAX_PIXELS = 300 };

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (size_t n = 2; n <= 4; n++)
            FOR_EACH_SIMD(simd) {
                const size_t num_pixels = random_size(MAX_PIXELS);
                block in = make_block(n * num_pixels), out = make_block(n * num_pixels), rows[4];
                uint8_t *bytes = in.data, *to[4] = {NULL};
                const uint8_t *from[4] = {NULL};
                for (size_t i = 0; i < n * num_pixels; i++)
                    bytes[i] = (uint8_t)random_u64();
                for (size_t i = 0; i < n; i++) {
                    rows[i] = make_block(num_pixels);
                    from[i] = to[i] = rows[i].data;
                }
                if (n == 2)
                    lku_split2(simd, bytes, num_pixels, to), lku_merge2(simd, from, num_pixels, out.data);
                else if (n == 3)
                    lku_split3(simd, bytes, num_pixels, to), lku_merge3(simd, from, num_pixels, out.data);
                else
                    lku_split4(simd, bytes, num_pixels, to), lku_merge4(simd, from, num_pixels, out.data);
                for (size_t i = 0; i < n * num_pixels; i++)
                    CHECK(from[i % n][i / n] == bytes[i], "byte %zu of %zu pixels", i, num_pixels);
                CHECK(memcmp(in.data, out.data, n * num_pixels) == 0, "%zu pixels", num_pixels);
                for (size_t i = 0; i < n; i++)
                    drop_block(rows[i]);
                drop_block(in);
                drop_block(out);
            }
    return 0;
}
