#include <math.h>

#include "loudness.h"
#include "testing.h"

enum { ROUNDS = 40, MAX_FRAMES = 30000 };

static const size_t rates[] = {8000, 8001, 11025, 16000, 44100, 48000, 96000, 192000, 384000};

typedef struct figures {
    double momentary, short_term, integrated, range, true_peak;
} figures;

static figures read_figures(const lku_loudness *state) {
    const figures all = {lku_loudness_recent(state, LKU_LOUDNESS_MOMENTARY),
                         lku_loudness_recent(state, LKU_LOUDNESS_SHORT_TERM), lku_loudness_integrated(state),
                         lku_loudness_range(state), lku_loudness_true_peak(state)};
    return all;
}

static int same(double a, double b) {
    return (isinf(a) && isinf(b)) || fabs(a - b) <= 0.0;
}

static void check_same(figures got, figures expected) {
    CHECK(same(got.momentary, expected.momentary), "%.17g, expected %.17g", got.momentary, expected.momentary);
    CHECK(same(got.short_term, expected.short_term), "%.17g, expected %.17g", got.short_term, expected.short_term);
    CHECK(same(got.integrated, expected.integrated), "%.17g, expected %.17g", got.integrated, expected.integrated);
    CHECK(same(got.range, expected.range), "%.17g, expected %.17g", got.range, expected.range);
    CHECK(same(got.true_peak, expected.true_peak), "%.17g, expected %.17g", got.true_peak, expected.true_peak);
}

/* One channel in direct form I; the last 400 ms, and the interpolation sample by sample. */
static void a_short_stream_is_what_it_should_be(void) {
    const size_t rate = rates[random_below(sizeof rates / sizeof *rates)], num_frames = rate / 5 * 2;
    void *memory = malloc(lku_loudness_num_bytes(1));
    block sound = make_noise(num_frames);
    CHECK(memory != NULL, "memory");
    lku_loudness *state = lku_loudness_init(memory, rate, 1);
    const lku_s16 *samples = sound.data;
    const lku_loudness_biquad s = state->shelf, h = state->high_pass;
    double x[3] = {0}, y[3] = {0}, z[3] = {0}, sum = 0.0, peak = 0.0;
    const size_t counted = (size_t)((uint64_t)rate * 40 / 100);
    for (size_t i = 0; i < num_frames; i++) {
        for (int k = 2; k > 0; k--) {
            x[k] = x[k - 1];
            y[k] = y[k - 1];
            z[k] = z[k - 1];
        }
        x[0] = samples[i] / 32768.0;
        y[0] = s.b0 * x[0] + s.b1 * x[1] + s.b2 * x[2] - s.a1 * y[1] - s.a2 * y[2];
        z[0] = h.b0 * y[0] + h.b1 * y[1] + h.b2 * y[2] - h.a1 * z[1] - h.a2 * z[2];
        if (i < counted)
            sum += z[0] * z[0];
        peak = fabs(x[0]) > peak ? fabs(x[0]) : peak;
        for (size_t place = 0; place < state->num_places; place++) {
            double between = 0.0;
            for (size_t k = 0; k < LKU_LOUDNESS_TAPS; k++)
                if (i + k + 1 >= LKU_LOUDNESS_TAPS)
                    between += (double)state->taps[place][k] * samples[i + k + 1 - LKU_LOUDNESS_TAPS] / 32768.0;
            peak = fabs(between) > peak ? fabs(between) : peak;
        }
    }
    lku_loudness_push_s16(lku_simd_detect(), state, samples, num_frames);
    const double expected = -0.691 + 10.0 * log10(sum / (double)counted);
    CHECK(fabs(lku_loudness_recent(state, LKU_LOUDNESS_MOMENTARY) - expected) < 1e-6, "%zu Hz", rate);
    CHECK(fabs(lku_loudness_true_peak(state) - 20.0 * log10(peak)) < 1e-4, "%zu Hz", rate);
    drop_block(sound);
    free(memory);
}

static void any_chunking_measures_the_same(void) {
    const size_t rate = rates[random_below(sizeof rates / sizeof *rates)], num_channels = 1 + random_below(7);
    const size_t num_frames = random_size(MAX_FRAMES);
    void *memory = malloc(lku_loudness_num_bytes(num_channels));
    CHECK(memory != NULL, "memory");
    block sound = make_noise(num_frames * num_channels), floats = make_block(num_frames * num_channels * sizeof(float));
    lku_s16 *samples = sound.data;
    lku_f32 *values = floats.data;
    for (size_t i = 0; i < num_frames * num_channels; i++) {
        if (i / num_channels % 20000 >= 10000)
            samples[i] /= 64;
        values[i] = (float)samples[i] / 32768.0f;
    }
    lku_loudness *state = lku_loudness_init(memory, rate, num_channels);
    lku_loudness_push_s16(LKU_SIMD_BASELINE, state, samples, num_frames);
    const figures expected = read_figures(state);
    FOR_EACH_SIMD(simd) {
        const size_t most = 1 + random_below(3000);
        lku_loudness_reset(state);
        for (size_t start = 0; start < num_frames;) {
            const size_t count = lku_min_size(1 + random_below(most), num_frames - start);
            if (random_below(2))
                lku_loudness_push_s16(simd, state, samples + start * num_channels, count);
            else
                lku_loudness_push_f32(simd, state, values + start * num_channels, count);
            start += count;
        }
        check_same(read_figures(state), expected);
    }
    drop_block(sound);
    drop_block(floats);
    free(memory);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        a_short_stream_is_what_it_should_be();
        any_chunking_measures_the_same();
    }
    return 0;
}
