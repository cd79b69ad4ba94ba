#include "polyphase.h"
#include "testing.h"

enum { ROUNDS = 150, MAX_FRAMES = 3000, MAX_CHANNELS = 5 };

static size_t random_ratio(void) {
    static const size_t rates[] = {1, 2, 3, 4, 6, 80, 147, 160, 441, 640, LKU_POLYPHASE_MAX_RATIO};
    return random_below(3) ? 1 + random_below(12) : rates[random_below(sizeof rates / sizeof *rates)];
}

/* Rows of taps that together are just below what fits, so that full scale saturates: of many sizes, or like those of a
 * real filter, few of which are large. */
static int32_t *make_taps(const lku_polyphase_filter *filter) {
    int32_t *const made = calloc(filter->num_phases * filter->num_taps, sizeof *made), *taps = made;
    const double one = (double)((int64_t)1 << filter->fraction_bits);
    const bool is_peaked = random_below(2);
    for (size_t phase = 0; phase < filter->num_phases; phase++, taps += filter->num_taps) {
        double left = 5.999 * one;
        for (size_t j = 0; j < filter->num_taps && left >= 1; j++) {
            const size_t place = random_below(filter->num_taps);
            if (taps[place] != 0)
                continue;
            double size = is_peaked ? left / 2 : 6 * one / (double)filter->num_taps;
            size = size > 3 * one ? 3 * one : size > left ? left : size;
            taps[place] = (int32_t)(size * (random_below(3) ? 1 : (double)random_s16() / 32768));
            left -= taps[place] < 0 ? -(double)taps[place] : (double)taps[place];
            if (random_below(2))
                taps[place] = -taps[place];
        }
    }
    return made;
}

/* The sum in 64 bits, which is exact. */
static int plain_output(const lku_polyphase_filter *filter, const int32_t *phases, const lku_s16 *in,
                        size_t num_channels, size_t output, size_t channel) {
    const size_t position = output * filter->step / filter->num_phases;
    const int32_t *taps = phases + output * filter->step % filter->num_phases * filter->num_taps;
    int64_t sum = 0;
    for (size_t j = 0; j < filter->num_taps; j++) {
        const size_t after = position + filter->look_ahead + j + 1;
        if (after >= filter->num_taps) /* before the stream is silence */
            sum += (int64_t)taps[j] * in[(after - filter->num_taps) * num_channels + channel];
    }
    const int64_t one = (int64_t)1 << filter->fraction_bits;
    const int64_t doubled = 2 * sum + one; /* over 2 * one, and then to the integer below */
    const int64_t rounded = doubled / (2 * one) - (doubled % (2 * one) < 0);
    return rounded < -32768 ? -32768 : rounded > 32767 ? 32767 : (int)rounded;
}

/* In random pieces, each of which is exactly as long as its samples. */
static block convert(lku_simd simd, lku_polyphase *state, const lku_s16 *samples, size_t samples_per_channel,
                     size_t *num_outputs) {
    const size_t frame_bytes = state->num_channels * sizeof(int16_t);
    block all = make_block(lku_polyphase_num_outputs(state, samples_per_channel) * frame_bytes);
    size_t done = 0;
    *num_outputs = 0;
    while (done < samples_per_channel) {
        const size_t rest = samples_per_channel - done;
        const size_t n = random_below(2) ? random_below(6) % (rest + 1) : random_below(rest + 1);
        block in = make_block(n * frame_bytes);
        memcpy(in.data, samples + done * state->num_channels, in.num_bytes);
        const size_t expected = lku_polyphase_num_outputs(state, n);
        block out = make_block(expected * frame_bytes);
        lku_polyphase_s16(simd, state, in.data, n, out.data);
        CHECK((*num_outputs + expected) * frame_bytes <= all.num_bytes, "%zu frames too many", expected);
        memcpy((unsigned char *)all.data + *num_outputs * frame_bytes, out.data, out.num_bytes);
        CHECK(lku_polyphase_num_outputs(state, 0) == 0, "outputs were left after %zu frames", n);
        *num_outputs += expected;
        done += n;
        drop_block(in);
        drop_block(out);
    }
    return all;
}

/* Noise, or as loud as can be: with the sign of the taps or against it, here and there. */
static block make_samples(size_t num_samples) {
    block made = make_noise(num_samples);
    lku_s16 *samples = made.data;
    if (random_below(2))
        for (size_t i = 0; i < num_samples; i++)
            samples[i] = random_below(8) ? -32768 : 32767;
    return made;
}

static void test_random(void) {
    lku_polyphase_filter filter = {.step = random_ratio(), .num_phases = random_ratio()};
    filter.num_taps = filter.step / filter.num_phases + 1 + random_below(100);
    filter.look_ahead = random_below(filter.num_taps);
    filter.fraction_bits =
        LKU_POLYPHASE_COARSE_BITS + (unsigned)random_below(LKU_POLYPHASE_MAX_BITS - LKU_POLYPHASE_COARSE_BITS + 1);
    int32_t *phases = make_taps(&filter);
    lku_polyphase_measure(&filter);
    lku_polyphase_run *fine = malloc(filter.num_steps * sizeof *fine);
    uint32_t *scratch = malloc((filter.num_steps + 8 * filter.num_quads) * sizeof *scratch);
    CHECK(lku_polyphase_cut(&filter, phases, fine, scratch), "%zu taps do not fit", filter.num_taps);
    int16_t *taps = aligned_alloc(32, (filter.num_quads * filter.num_values * sizeof *taps + 31) / 32 * 32);
    uint32_t *inputs = malloc(filter.num_quads * sizeof *inputs);
    lku_polyphase_arrange(&filter, phases, taps, inputs);

    const size_t num_channels = 1 + random_below(MAX_CHANNELS);
    size_t samples_per_channel = random_size(MAX_FRAMES);
    while (samples_per_channel * filter.num_phases / filter.step > 2 * MAX_FRAMES)
        samples_per_channel /= 2;
    block samples = make_samples(samples_per_channel * num_channels);
    int16_t *memory = malloc(lku_polyphase_memory(&filter, num_channels) * sizeof *memory);
    block first = {NULL, NULL, 0};
    size_t num_first = 0;

    FOR_EACH_SIMD(simd) {
        lku_polyphase state;
        lku_polyphase_init(&state, &filter, num_channels, memory);
        for (int run = 0; run < 2; run++) { /* the second one after a reset */
            size_t num_outputs;
            block out = convert(simd, &state, samples.data, samples_per_channel, &num_outputs);
            CHECK(num_outputs * num_channels * sizeof(int16_t) == out.num_bytes, "%zu frames out", num_outputs);
            if (first.memory == NULL) {
                const lku_s16 *got = out.data;
                for (size_t i = 0; i < num_outputs * num_channels; i++) {
                    const int expected = plain_output(&filter, phases, samples.data, num_channels,
                                                      i / num_channels, i % num_channels);
                    CHECK(got[i] == expected, "%zu to %zu: sample %zu is %d, expected %d", filter.step,
                          filter.num_phases, i, got[i], expected);
                }
                first = out;
                num_first = num_outputs;
            } else {
                CHECK(num_outputs == num_first && memcmp(out.data, first.data, out.num_bytes) == 0,
                      "level %d, run %d: other samples than the plain level's", (int)simd, run);
                drop_block(out);
            }
            lku_polyphase_reset(&state);
        }
    }
    drop_block(first);
    drop_block(samples);
    free(scratch);
    free(fine);
    free(phases);
    free(memory);
    free(taps);
    free(inputs);
}

/* The most that fits, and a little more than that. */
static void test_limits(void) {
    const int32_t one = 1 << 20;
    const struct {
        int32_t taps[4];
        bool fits;
    } cases[] = {{{3 * one, -3 * one + 1, 0, 0}, true},
                 {{3 * one, -3 * one, 0, 0}, false},
                 {{0, 3 * one + 1, 0, 0}, false},
                 {{2 * one, 2 * one, -one, -one + 1}, true},
                 {{INT32_MIN, 0, 0, 0}, false},
                 {{INT32_MAX, INT32_MAX, INT32_MAX, INT32_MAX}, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        lku_polyphase_filter filter = {.num_taps = 4, .num_phases = 1, .step = 1, .fraction_bits = 20};
        lku_polyphase_measure(&filter);
        lku_polyphase_run fine[8];
        uint32_t scratch[8 + 8 * 8];
        CHECK(filter.num_steps <= 8 && filter.num_quads <= 8, "%zu quads", filter.num_quads);
        CHECK(lku_polyphase_cut(&filter, cases[i].taps, fine, scratch) == cases[i].fits, "case %zu", i);
    }
}

int main(int argc, char **argv) {
    start(argc, argv);
    test_limits();
    for (int round = 0; round < ROUNDS; round++)
        test_random();
    return 0;
}
