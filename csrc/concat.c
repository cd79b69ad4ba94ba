#include "concat.h"

#include <string.h>

void lku_concat_s16(const lku_block *blocks, size_t num_blocks, lku_s16 *out) {
    for (size_t i = 0; i < num_blocks; i++) {
        if (blocks[i].num_samples == 0)
            continue; /* memcpy must not see NULL, not even for 0 bytes */
        memcpy(out, blocks[i].samples, blocks[i].num_samples * sizeof(int16_t));
        out += blocks[i].num_samples;
    }
}
