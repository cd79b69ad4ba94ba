#include "concat.h"
#include "testing.h"

enum { ROUNDS = 2000, MAX_BLOCKS = 20 };

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        const size_t num_blocks = random_below(MAX_BLOCKS + 1);
        block data[MAX_BLOCKS];
        lku_block blocks[MAX_BLOCKS];
        size_t total = 0;
        for (size_t i = 0; i < num_blocks; i++) {
            blocks[i].num_samples = random_size(600);
            data[i] = make_noise(blocks[i].num_samples);
            blocks[i].samples = blocks[i].num_samples == 0 && random_below(2) ? NULL : data[i].data;
            total += blocks[i].num_samples;
        }
        block out = make_block(total * sizeof(int16_t));
        lku_concat_s16(blocks, num_blocks, out.data);
        const lku_s16 *got = out.data;
        size_t position = 0;
        for (size_t i = 0; i < num_blocks; i++) {
            const lku_s16 *samples = data[i].data;
            for (size_t k = 0; k < blocks[i].num_samples; k++, position++)
                CHECK(got[position] == samples[k], "block %zu sample %zu", i, k);
            drop_block(data[i]);
        }
        drop_block(out);
    }
    return 0;
}
