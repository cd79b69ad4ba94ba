/* Any sums: no sample is above the ceiling, all levels agree to the bit, and so do one call and two. */
#include "input.h"
#include "limiter.h"

enum { MAX_FRAMES = 600, MAX_CHANNELS = 3, MAX_LOOK_AHEAD = 300 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes) {
    input in = {data, num_bytes};
    const size_t num_channels = 1 + take_below(&in, MAX_CHANNELS), look_ahead = 1 + take_below(&in, MAX_LOOK_AHEAD);
    const int32_t ceiling = LKU_LIMITER_MIN_CEILING + (int32_t)take_below(&in, 32769 - LKU_LIMITER_MIN_CEILING);
    const double release = 1.0 + (double)take_below(&in, 10000);
    const size_t num_frames = take_below(&in, MAX_FRAMES), num_values = num_frames * num_channels;
    const size_t cut = take_below(&in, num_frames + 1), shift = take_below(&in, 40);
    int64_t *sums = take_memory(&in, num_values * sizeof *sums);
    for (size_t i = 0; i < num_values; i++)
        sums[i] /= (int64_t)1 << shift;

    lku_s16 *first = make_memory(num_values * sizeof(int16_t)), *other = make_memory(num_values * sizeof(int16_t));
    for (int level = LKU_SIMD_BASELINE; level <= (int)lku_simd_detect(); level++) {
        const size_t memory_values = lku_limiter_num_values(num_channels, look_ahead);
        int32_t *memory = make_memory(memory_values * sizeof *memory);
        lku_s16 *out = level == LKU_SIMD_BASELINE ? first : other;
        lku_limiter state;
        memset(memory, 0, memory_values * sizeof *memory);
        lku_limiter_init(&state, num_channels, ceiling, look_ahead, release, memory);
        if (level != LKU_SIMD_BASELINE)
            lku_limiter_s16((lku_simd)level, &state, sums, cut, out);
        const size_t done = level == LKU_SIMD_BASELINE ? 0 : cut;
        lku_limiter_s16((lku_simd)level, &state, sums + done * num_channels, num_frames - done,
                        out + done * num_channels);
        for (size_t i = 0; i < num_values; i++)
            CHECK(out[i] <= ceiling && out[i] >= -ceiling);
        if (level != LKU_SIMD_BASELINE)
            CHECK(memcmp(first, other, num_values * sizeof(int16_t)) == 0);
        free(memory);
    }
    free(sums);
    free(first);
    free(other);
    return 0;
}
