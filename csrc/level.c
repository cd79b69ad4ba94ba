#include "level.h"

LKU_INLINE void level_body(const lku_s16 *in, size_t num_samples, lku_level *level) {
    int32_t low = 0;
    int32_t high = 0;
    uint64_t sum = 0;

    for (size_t i = 0; i < num_samples; i++) {
        const int32_t value = in[i];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    for (size_t i = 0; i < num_samples; i++)
        sum += (uint32_t)((int32_t)in[i] * in[i]);
    level->peak = -low > high ? -low : high;
    level->sum_squares = sum;
}

LKU_KERNEL_VARIANTS(level, (const lku_s16 *in, size_t num_samples, lku_level *level), (in, num_samples, level))

void lku_level_s16(lku_simd simd, const lku_s16 *in, size_t num_samples, lku_level *level) {
    LKU_KERNEL_CALL(level, simd, (in, num_samples, level));
}
