#include <math.h>

#include "testing.h"
#include "upper_band.h"

enum { ROUNDS = 60, MAX_SIZE = 600, MAX_CHANNELS = 3, MAX_BINS = 9 };

/* Any sound and any spectra; every gain lies within 0 and 1, and every sample between the low band and the whole. */
static void one_round(lku_simd simd) {
    const size_t count = 1 + random_below(MAX_CHANNELS), bins = 1 + random_below(MAX_BINS);
    lku_upper_band state = {.num_channels = count,
                            .low_per_channel = LKU_UPPER_PARTS + random_below(200),
                            .samples_per_channel = LKU_UPPER_PARTS + random_below(MAX_SIZE),
                            .num_bins = bins,
                            .first_bin = random_below(bins + 1)};
    lku_upper_channel channels[MAX_CHANNELS];
    lku_upper_band_init(&state, channels);
    block mic = make_block(2 * count * bins * sizeof(float)), echo = make_block(count * bins * sizeof(float));
    for (int k = 0; k < 5; k++) {
        for (size_t i = 0; i < 2 * count * bins; i++)
            ((lku_f32 *)mic.data)[i] = (float)random_s16();
        for (size_t i = 0; i < count * bins; i++)
            ((lku_f32 *)echo.data)[i] = random_below(2) == 0 ? 0.0f : 1e4f * (float)random_below(100000);
        block before = make_noise(count * state.low_per_channel), after = make_noise(count * state.low_per_channel);
        lku_upper_band_listen(&state, before.data, after.data, mic.data, k % 2 == 0 ? echo.data : NULL);
        for (size_t c = 0; c < count; c++)
            for (size_t i = 0; i <= LKU_UPPER_PARTS; i++)
                CHECK(channels[c].gains[i] >= 0.0f && channels[c].gains[i] <= 1.0f, "gain %f",
                      (double)channels[c].gains[i]);
        const size_t num_values = count * state.samples_per_channel;
        block whole = make_noise(num_values), low = make_noise(num_values), out = make_noise(num_values);
        block given = make_block(out.num_bytes);
        memcpy(given.data, out.data, out.num_bytes);
        lku_upper_band_add(simd, &state, whole.data, low.data, out.data);
        for (size_t i = 0; i < num_values; i++) {
            const int32_t start = ((const lku_s16 *)given.data)[i];
            const int32_t upper = ((const lku_s16 *)whole.data)[i] - ((const lku_s16 *)low.data)[i];
            const int32_t end = lku_sat_s16(start + upper), got = ((const lku_s16 *)out.data)[i];
            CHECK(got >= (start < end ? start : end) && got <= (start > end ? start : end),
                  "value %zu is %d, between %d and %d", i, (int)got, (int)start, (int)end);
        }
        drop_block(before);
        drop_block(after);
        drop_block(whole);
        drop_block(low);
        drop_block(out);
        drop_block(given);
    }
    drop_block(mic);
    drop_block(echo);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (int simd = LKU_SIMD_BASELINE; simd <= (int)lku_simd_detect(); simd++)
            one_round((lku_simd)simd);
    return 0;
}
