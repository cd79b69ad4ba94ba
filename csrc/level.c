#include "level.h"

#if LKU_HAS_TARGETS
#include "level_x86.h"
#endif

void lku_level_s16(lku_simd simd, const lku_s16 *in, size_t num_samples, lku_level *level) {
    int32_t low = 0;
    int32_t high = 0;
    uint64_t sum = 0;
    size_t done = 0;

#if LKU_HAS_TARGETS
    done = lku_level_vectors(simd, in, num_samples, &low, &high, &sum);
#else
    (void)simd;
#endif
    for (size_t i = done; i < num_samples; i++) {
        const int32_t value = in[i];
        low = value < low ? value : low;
        high = value > high ? value : high;
    }
    for (size_t i = done; i < num_samples; i++)
        sum += (uint32_t)((int32_t)in[i] * in[i]);
    level->peak = -low > high ? -low : high;
    level->sum_squares = sum;
}
