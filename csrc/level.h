/* How loud a block of samples is. */
#ifndef LKU_LEVEL_H
#define LKU_LEVEL_H

#include "simd.h"

typedef struct lku_level {
    int32_t peak;          /* largest absolute value, 0 to 32768 */
    uint64_t sum_squares;  /* exact for up to 2^34 samples */
} lku_level;

/* level [out] of num_samples samples; no samples have level 0. */
void lku_level_s16(lku_simd simd, const lku_s16 *in, size_t num_samples, lku_level *level);

#endif
