/* Any floats and any samples, at any address: all levels agree to the bit, and what is converted there and back is the
 * same. */
#include "channels.h"
#include "concat.h"
#include "convert.h"
#include "input.h"
#include "level.h"

enum { MAX_SAMPLES = 700, MAX_CHANNELS = 40 };

static lku_simd best;

static void check_floats(input *in) {
    const size_t num_samples = take_below(in, MAX_SAMPLES), shift = take_below(in, 4);
    unsigned char *memory = take_memory(in, num_samples * sizeof(float) + shift);
    const lku_f32 *floats = (const lku_f32 *)(memory + shift);
    lku_s16 *first = make_memory(num_samples * sizeof(int16_t)), *other = make_memory(num_samples * sizeof(int16_t));
    lku_f32 *back = make_memory(num_samples * sizeof(float));
    lku_f32_to_s16(LKU_SIMD_BASELINE, floats, num_samples, first);
    for (int level = LKU_SIMD_BASELINE; level <= (int)best; level++) {
        lku_f32_to_s16((lku_simd)level, floats, num_samples, other);
        CHECK(memcmp(first, other, num_samples * sizeof(int16_t)) == 0);
        lku_s16_to_f32((lku_simd)level, first, num_samples, back);
        lku_f32_to_s16((lku_simd)level, back, num_samples, other);
        CHECK(memcmp(first, other, num_samples * sizeof(int16_t)) == 0);
    }
    free(memory);
    free(first);
    free(other);
    free(back);
}

static void check_samples(input *in) {
    const size_t num_channels = 1 + take_below(in, MAX_CHANNELS), samples_per_channel = take_below(in, MAX_SAMPLES);
    const size_t num_samples = num_channels * samples_per_channel, shift = take_below(in, 2);
    unsigned char *memory = take_memory(in, num_samples * sizeof(int16_t) + shift);
    const lku_s16 *samples = (const lku_s16 *)(memory + shift);
    lku_s16 *mono = make_memory(samples_per_channel * sizeof(int16_t));
    lku_s16 *same = make_memory(samples_per_channel * sizeof(int16_t));
    lku_s16 *wide = make_memory(num_samples * sizeof(int16_t));
    lku_level first = {0, 0};
    for (int level = LKU_SIMD_BASELINE; level <= (int)best; level++) {
        lku_level other;
        lku_level_s16((lku_simd)level, samples, num_samples, &other);
        CHECK(other.peak >= 0 && other.peak <= 32768);
        if (level == LKU_SIMD_BASELINE)
            first = other;
        CHECK(first.peak == other.peak && first.sum_squares == other.sum_squares);
        lku_downmix_s16((lku_simd)level, samples, samples_per_channel, num_channels, mono);
        lku_upmix_s16((lku_simd)level, mono, samples_per_channel, num_channels, wide);
        lku_downmix_s16((lku_simd)level, wide, samples_per_channel, num_channels, same);
        CHECK(memcmp(mono, same, samples_per_channel * sizeof(int16_t)) == 0);
    }
    const size_t cut = take_below(in, num_samples + 1);
    const lku_block blocks[] = {{samples, cut}, {NULL, 0}, {samples + cut, num_samples - cut}};
    lku_concat_s16(blocks, sizeof blocks / sizeof *blocks, wide);
    CHECK(memcmp(wide, samples, num_samples * sizeof(int16_t)) == 0);
    free(memory);
    free(mono);
    free(same);
    free(wide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes) {
    input in = {data, num_bytes};
    best = lku_simd_detect();
    check_floats(&in);
    check_samples(&in);
    return 0;
}
