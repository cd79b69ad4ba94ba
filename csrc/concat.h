/* Many blocks of samples into one. */
#ifndef LKU_CONCAT_H
#define LKU_CONCAT_H

#include "s16.h"

typedef struct lku_block {
    const lku_s16 *samples;
    size_t num_samples;
} lku_block;

/* blocks [in]  num_blocks of them; a block of 0 samples may have a NULL pointer
 * out    [out] room for the sum of all num_samples; must not overlap any block
 */
void lku_concat_s16(const lku_block *blocks, size_t num_blocks, lku_s16 *out);

#endif
