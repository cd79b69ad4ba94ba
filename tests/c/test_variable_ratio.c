#include "testing.h"
#include "variable_ratio.h"

enum { ROUNDS = 150, MAX_FRAMES = 2500, MAX_CHANNELS = 5, MAX_CHANGES = 8 };

/* From input `at` on, the ratio moves to `ratio` over `ramp` inputs. */
typedef struct change {
    size_t at;
    double ratio;
    uint64_t ramp;
} change;

static double random_share(void) {
    return (double)random_below(1 << 20) / (1 << 20);
}

/* Taps that bring full scale to as much as three times full scale. The last row is the first one of the next input, as
 * in any filter: an output on the edge of two inputs may be of either. */
static block make_taps(size_t num_rows, size_t num_taps) {
    block made = make_block(num_rows * num_taps * sizeof(lku_f32));
    lku_f32 *taps = made.data, *last = taps + (num_rows - 1) * num_taps;
    for (size_t i = 0; i < (num_rows - 1) * num_taps; i++)
        taps[i] = (float)((double)random_s16() / 32768 * 3 / (double)num_taps);
    taps[num_taps - 1] = last[0] = 0;
    memcpy(last + 1, taps, (num_taps - 1) * sizeof *taps);
    return made;
}

static double dot(const lku_variable_filter *filter, size_t row, const lku_s16 *in, size_t num_channels, size_t input,
                  size_t channel) {
    const lku_f32 *taps = filter->taps + row * filter->num_taps;
    double sum = 0;
    for (size_t j = 0; j < filter->num_taps; j++) {
        const size_t after = input + filter->look_ahead + j + 1;
        if (after >= filter->num_taps) /* before the stream is silence */
            sum += (double)taps[j] * in[(after - filter->num_taps) * num_channels + channel];
    }
    return sum;
}

/* In random pieces, each of which is exactly as long as its samples; the changes come where they belong. */
static block convert(lku_simd simd, lku_variable *state, const lku_s16 *samples, size_t samples_per_channel,
                     const change *changes, size_t num_changes, double max_ratio, size_t *num_outputs) {
    const size_t frame_bytes = state->num_channels * sizeof(int16_t);
    block all = make_block(lku_variable_max_outputs(state, samples_per_channel, max_ratio) * frame_bytes);
    size_t done = 0, next = 0;
    *num_outputs = 0;
    while (done < samples_per_channel) {
        for (; next < num_changes && changes[next].at == done; next++)
            lku_variable_set_ratio(state, changes[next].ratio, changes[next].ramp);
        const size_t end = next < num_changes ? changes[next].at : samples_per_channel;
        const size_t rest = end - done;
        const size_t n = random_below(2) ? random_below(6) % (rest + 1) : random_below(rest + 1);
        block in = make_block(n * frame_bytes);
        memcpy(in.data, samples + done * state->num_channels, in.num_bytes);
        const size_t most = lku_variable_max_outputs(state, n, max_ratio);
        block out = make_block(most * frame_bytes);
        const size_t made = lku_variable_s16(simd, state, in.data, n, out.data);
        CHECK(made <= most, "%zu outputs, expected %zu at most", made, most);
        CHECK((*num_outputs + made) * frame_bytes <= all.num_bytes, "%zu frames too many", made);
        memcpy((unsigned char *)all.data + *num_outputs * frame_bytes, out.data, made * frame_bytes);
        *num_outputs += made;
        done += n;
        drop_block(in);
        drop_block(out);
    }
    return all;
}

static void check_outputs(const lku_variable_filter *filter, const lku_s16 *in, size_t samples_per_channel,
                          size_t num_channels, const double *ratios, const lku_s16 *got, size_t num_outputs,
                          double left) {
    double sum = 0; /* of the ratios of all inputs before */
    size_t input = 0, output = 0;
    for (; input + filter->look_ahead < samples_per_channel; input++) {
        const double ratio = ratios[input];
        for (; (double)output < sum + ratio - 1e-9; output++) {
            double phase = ((double)output - sum) / ratio * (double)filter->num_phases;
            phase = phase < 0 ? 0 : phase;
            size_t row = (size_t)phase;
            row = row < filter->num_phases ? row : filter->num_phases - 1;
            const double weight = phase - (double)row;
            CHECK(output < num_outputs, "%zu outputs only", num_outputs);
            for (size_t channel = 0; channel < num_channels; channel++) {
                double expected = (1 - weight) * dot(filter, row, in, num_channels, input, channel) +
                                  weight * dot(filter, row + 1, in, num_channels, input, channel);
                expected = expected < -32768 ? -32768 : expected > 32767 ? 32767 : expected;
                const double value = got[output * num_channels + channel];
                const double distance = value < expected ? expected - value : value - expected;
                CHECK(distance < 0.6, "output %zu is %f, expected %f", output, value, expected);
            }
        }
        sum += ratio;
    }
    /* One that lies on the edge of an input may come with the next. */
    CHECK(num_outputs <= output + 1, "%zu outputs, expected %zu", num_outputs, output);
    for (; input < samples_per_channel; input++)
        sum += ratios[input];
    const double off = sum - (double)num_outputs - left;
    CHECK(off < 1e-6 && off > -1e-6, "%f are left, expected %f", left, sum - (double)num_outputs);
}

static void test_random(void) {
    const double nominal = random_below(4) == 0 ? 1 : random_below(2) ? 0.05 + random_share() : 1 + 3 * random_share();
    const double max_ratio = 1.5 * nominal;
    lku_variable_filter filter = {NULL, (1 + random_below(12)) * LKU_VARIABLE_LANES, 1 + random_below(70), 0};
    filter.look_ahead = 1 + random_below(filter.num_taps - 1);
    block taps = make_taps(filter.num_phases + 1, filter.num_taps);
    filter.taps = taps.data;

    const size_t num_channels = 1 + random_below(MAX_CHANNELS);
    const size_t samples_per_channel = random_size(MAX_FRAMES);
    change changes[MAX_CHANGES];
    const size_t num_changes = samples_per_channel ? random_below(MAX_CHANGES + 1) : 0;
    size_t at = 0;
    for (size_t i = 0; i < num_changes; i++) {
        at += random_below((samples_per_channel - at) / 2 + 1);
        at = at < samples_per_channel ? at : samples_per_channel - 1;
        changes[i] = (change){at, nominal * (0.5 + random_share()), random_below(3) ? random_below(400) : 0};
    }
    double *ratios = malloc((samples_per_channel + 1) * sizeof *ratios);
    CHECK(ratios != NULL, "no memory");
    double ratio = nominal, from = nominal;
    size_t next = 0;
    for (size_t i = 0; i < samples_per_channel; i++) {
        for (; next < num_changes && changes[next].at == i; next++) {
            if (changes[next].ramp == 0)
                ratio = changes[next].ratio;
            from = ratio;
        }
        ratios[i] = ratio;
        if (next > 0 && changes[next - 1].ramp > 0) {
            const change *last = &changes[next - 1];
            const uint64_t done = i + 1 - last->at;
            ratio = done >= last->ramp ? last->ratio
                                       : from + (last->ratio - from) * (double)done / (double)last->ramp;
        }
    }

    block samples = make_noise(samples_per_channel * num_channels);
    block memory = make_block(lku_variable_memory(&filter, num_channels) * sizeof(lku_f32));
    double *own = malloc(lku_variable_ratios(&filter) * sizeof *own);
    CHECK(own != NULL, "no memory");
    block first = {NULL, NULL, 0};
    size_t num_first = 0;

    FOR_EACH_SIMD(simd) {
        lku_variable state;
        lku_variable_init(&state, &filter, num_channels, memory.data, own, nominal);
        for (int run = 0; run < 2; run++) { /* the second one after a reset */
            size_t num_outputs;
            block out = convert(simd, &state, samples.data, samples_per_channel, changes, num_changes, max_ratio,
                                &num_outputs);
            if (first.memory == NULL) {
                check_outputs(&filter, samples.data, samples_per_channel, num_channels, ratios, out.data, num_outputs,
                              lku_variable_outputs_left(&state));
                first = out;
                num_first = num_outputs;
            } else {
                CHECK(num_outputs == num_first &&
                          memcmp(out.data, first.data, num_outputs * num_channels * sizeof(int16_t)) == 0,
                      "level %d, run %d: other samples than the plain level's", (int)simd, run);
                drop_block(out);
            }
            lku_variable_set_ratio(&state, nominal, 0);
            lku_variable_reset(&state, 0);
        }
    }
    free(ratios);
    free(own);
    drop_block(first);
    drop_block(memory);
    drop_block(samples);
    drop_block(taps);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        test_random();
    return 0;
}
