/* The limiter against a plain one that looks at every frame of the window. */
#include "limiter.h"

#include <math.h>

#include "mix.h"
#include "testing.h"

enum { ROUNDS = 150, MAX_FRAMES = 3000 };

static int64_t clip(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* Sums that are mostly quiet, sometimes far too loud, and sometimes the greatest there are. */
static int64_t random_sum(size_t kind) {
    const int64_t noise = (int64_t)(random_u64() >> 24) - ((int64_t)1 << 39);
    if (kind == 0)
        return noise / 4;
    if (kind == 1)
        return random_below(50) ? noise / 8 : noise * 3;
    if (kind == 2)
        return noise * (int64_t)random_below(400);
    return random_below(2) ? (int64_t)random_u64() : random_below(2) ? INT64_MIN : INT64_MAX;
}

/* What the header says, at one frame after the other. */
static void limit_plainly(const int64_t *sums, size_t num_frames, size_t num_channels, int32_t ceiling,
                          size_t look_ahead, double release_frames, int32_t *out) {
    const int64_t limit = ceiling * 256 + 127, unity = LKU_LIMITER_UNITY, window = (int64_t)look_ahead;
    const int64_t lost = llround(4294967296.0 * -expm1(-1.0 / release_frames));
    const int64_t reciprocal = floor_div(((int64_t)1 << 32) + window - 1, window);
    int64_t *values = malloc((num_frames * num_channels + 1) * sizeof *values);
    int64_t *need = malloc((num_frames + 1) * sizeof *need), *falling = malloc((num_frames + 1) * sizeof *falling);
    CHECK(values && need && falling, "out of memory");
    for (size_t i = 0; i < num_frames * num_channels; i++)
        values[i] = clip(floor_div(sums[i], 65536), INT32_MIN, INT32_MAX);
    for (size_t k = 0; k < num_frames; k++) {
        int64_t peak = 0, held = 0, sum = 0;
        for (size_t c = 0; c < num_channels; c++) {
            const int64_t value = values[k * num_channels + c], far = value < 0 ? -value - 1 : value;
            peak = far > peak ? far : peak;
        }
        need[k] = peak > limit ? unity - limit * unity / peak : 0;
        for (size_t j = k + 1 > look_ahead ? k + 1 - look_ahead : 0; j <= k; j++)
            held = need[j] > held ? need[j] : held;
        const int64_t last = k > 0 ? falling[k - 1] : 0;
        const int64_t left = clip(last - (last * lost / ((int64_t)1 << 32) + 1), 0, unity);
        falling[k] = held > left ? held : left;
        for (size_t j = k + 1 > look_ahead ? k + 1 - look_ahead : 0; j <= k; j++)
            sum += falling[j];
        const int64_t gain = unity - (int64_t)(((uint64_t)sum * (uint64_t)reciprocal + 4294967295u) >> 32);
        for (size_t c = 0; c < num_channels; c++) {
            const int64_t value = k + 1 < look_ahead ? 0 : values[(k + 1 - look_ahead) * num_channels + c];
            out[k * num_channels + c] = clamp_s16(floor_div(value * gain + ((int64_t)1 << 37), (int64_t)1 << 38));
        }
    }
    free(values);
    free(need);
    free(falling);
}

static void compare(size_t num_channels, int32_t ceiling, size_t look_ahead, double release_frames, size_t kind) {
    const size_t num_frames = random_size(MAX_FRAMES / num_channels), num_samples = num_frames * num_channels;
    int64_t *sums = malloc((num_samples + 1) * sizeof *sums);
    int32_t *expected = malloc((num_samples + 1) * sizeof *expected);
    CHECK(sums && expected, "out of memory");
    for (size_t i = 0; i < num_samples; i++)
        sums[i] = random_sum(kind);
    limit_plainly(sums, num_frames, num_channels, ceiling, look_ahead, release_frames, expected);
    FOR_EACH_SIMD(simd) {
        int32_t *memory = calloc(lku_limiter_num_values(num_channels, look_ahead), sizeof *memory);
        CHECK(memory, "out of memory");
        lku_limiter state;
        lku_limiter_init(&state, num_channels, ceiling, look_ahead, release_frames, memory);
        for (size_t start = 0; start < num_frames;) {
            const size_t left = num_frames - start, n = random_below(2) ? left : random_below(left + 1);
            block out = make_block(n * num_channels * sizeof(int16_t));
            lku_limiter_s16(simd, &state, sums + start * num_channels, n, out.data);
            const lku_s16 *got = out.data;
            for (size_t i = 0; i < n * num_channels; i++) {
                CHECK(got[i] == expected[start * num_channels + i], "level %d, sample %zu: %d, not %d", (int)simd,
                      start * num_channels + i, got[i], expected[start * num_channels + i]);
                CHECK(got[i] <= ceiling && got[i] >= -ceiling, "%d is above %d", got[i], ceiling);
            }
            start += n;
            drop_block(out);
        }
        free(memory);
    }
    free(sums);
    free(expected);
}

int main(int argc, char **argv) {
    static const size_t channel_counts[] = {1, 2, 3, LKU_MIX_MAX_CHANNELS};
    static const int32_t ceilings[] = {LKU_LIMITER_MIN_CEILING, 1000, 29204, 32767, 32768};
    static const size_t windows[] = {1, 2, 7, 48, 240, 255, 256, 257};
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        compare(channel_counts[random_below(4)], ceilings[random_below(5)], windows[random_below(8)],
                random_below(3) ? 200.0 : 1.0 + (double)random_below(9000), random_below(4));
    compare(1, LKU_LIMITER_MIN_CEILING, LKU_LIMITER_MAX_LOOK_AHEAD, 10000.0, 3);
    return 0;
}
