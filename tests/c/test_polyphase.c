#include "polyphase.h"
#include "testing.h"

enum { ROUNDS = 150, MAX_FRAMES = 3000, MAX_CHANNELS = 5 };

static size_t random_ratio(void) {
    static const size_t rates[] = {1, 2, 3, 4, 6, 80, 147, 160, 441, 640, LKU_POLYPHASE_MAX_RATIO};
    return random_below(3) ? 1 + random_below(12) : rates[random_below(sizeof rates / sizeof *rates)];
}

/* Taps that bring full scale to as much as three times full scale. */
static block make_taps(size_t num_rows, size_t num_taps) {
    block made = make_block(num_rows * num_taps * sizeof(lku_f32));
    lku_f32 *taps = made.data;
    for (size_t i = 0; i < num_rows * num_taps; i++)
        taps[i] = (float)((double)random_s16() / 32768 * 3 / (double)num_taps);
    return made;
}

static double plain_output(const lku_polyphase_filter *filter, const lku_f32 *phases, const lku_s16 *in,
                           size_t num_channels, size_t output, size_t channel) {
    const size_t position = output * filter->step / filter->num_phases;
    const lku_f32 *taps = phases + output * filter->step % filter->num_phases * filter->num_taps;
    double sum = 0;
    for (size_t j = 0; j < filter->num_taps; j++) {
        const size_t after = position + filter->look_ahead + j + 1;
        if (after >= filter->num_taps) /* before the stream is silence */
            sum += (double)taps[j] * in[(after - filter->num_taps) * num_channels + channel];
    }
    return sum < -32768 ? -32768 : sum > 32767 ? 32767 : sum;
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

static void test_random(void) {
    lku_polyphase_filter filter = {NULL, NULL, 0, random_ratio(), random_ratio(), 0};
    const size_t least = filter.step / filter.num_phases + 1;
    filter.num_taps = (least + random_below(100) + LKU_POLYPHASE_LANES) / LKU_POLYPHASE_LANES * LKU_POLYPHASE_LANES;
    filter.look_ahead = random_below(filter.num_taps);
    block phases = make_taps(filter.num_phases, filter.num_taps);
    const size_t num_rows = filter.num_phases + LKU_POLYPHASE_SPARE_ROWS;
    block taps = make_block(num_rows * filter.num_taps * sizeof(lku_f32));
    uint16_t *inputs = malloc(num_rows * sizeof *inputs);
    lku_polyphase_arrange(&filter, phases.data, taps.data, inputs);

    const size_t num_channels = 1 + random_below(MAX_CHANNELS);
    size_t samples_per_channel = random_size(MAX_FRAMES);
    while (samples_per_channel * filter.num_phases / filter.step > 2 * MAX_FRAMES)
        samples_per_channel /= 2;
    block samples = make_noise(samples_per_channel * num_channels);
    block memory = make_block(lku_polyphase_memory(&filter, num_channels) * sizeof(lku_f32));
    block first = {NULL, NULL, 0};
    size_t num_first = 0;

    FOR_EACH_SIMD(simd) {
        lku_polyphase state;
        lku_polyphase_init(&state, &filter, num_channels, memory.data);
        for (int run = 0; run < 2; run++) { /* the second one after a reset */
            size_t num_outputs;
            block out = convert(simd, &state, samples.data, samples_per_channel, &num_outputs);
            CHECK(num_outputs * num_channels * sizeof(int16_t) == out.num_bytes, "%zu frames out", num_outputs);
            if (first.memory == NULL) {
                const lku_s16 *got = out.data;
                for (size_t i = 0; i < num_outputs * num_channels; i++) {
                    const double expected =
                        plain_output(&filter, phases.data, samples.data, num_channels, i / num_channels,
                                     i % num_channels);
                    const double distance = got[i] < expected ? expected - got[i] : got[i] - expected;
                    CHECK(distance < 0.52, "%zu to %zu: sample %zu is %d, expected %f", filter.step,
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
    drop_block(memory);
    drop_block(samples);
    drop_block(taps);
    drop_block(phases);
    free(inputs);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        test_random();
    return 0;
}
