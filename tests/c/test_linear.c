#include "linear.h"
#include "testing.h"

enum { ROUNDS = 600, MAX_FRAMES = 800, MAX_CHANNELS = 4 };

static uint64_t gcd(uint64_t a, uint64_t b) {
    return b == 0 ? a : gcd(b, a % b);
}

static uint64_t random_rate(void) {
    static const uint64_t rates[] = {8000, 16000, 22050, 44100, 48000, LKU_LINEAR_MAX_RATE, LKU_LINEAR_MAX_RATE - 1};
    return random_below(2) ? 1 + random_below(20) : rates[random_below(sizeof rates / sizeof *rates)];
}

/* Output k, straight from its definition. */
static int64_t plain_output(const lku_s16 *in, uint64_t input_rate, uint64_t output_rate, size_t num_channels,
                            size_t k, size_t channel) {
    const uint64_t position = k * input_rate;
    const size_t i = (size_t)(position / output_rate);
    const int64_t rate = (int64_t)output_rate;
    const int64_t rest = (int64_t)(position % output_rate);
    const int64_t here = in[i * num_channels + channel];
    const int64_t next = rest == 0 ? 0 : in[(i + 1) * num_channels + channel];
    return floor_div(2 * (here * (rate - rest) + next * rest) + rate, 2 * rate);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t input_rate = random_rate(), output_rate = random_rate();
        const uint64_t common = gcd(input_rate, output_rate);
        input_rate /= common;
        output_rate /= common;
        size_t samples_per_channel = random_below(MAX_FRAMES + 1);
        if (output_rate / input_rate > 10)
            samples_per_channel %= 5;
        if (output_rate / input_rate > 100000)
            continue;
        const size_t num_channels = 1 + random_below(MAX_CHANNELS);
        block whole = make_noise(samples_per_channel * num_channels);
        lku_linear state = {input_rate, output_rate, 0, 0};
        size_t first = 0, known = 0, done = 0; /* frames given back, frames handed over, outputs */
        while (known < samples_per_channel || known == 0) {
            known += random_below(2) ? random_below(5) : random_below(samples_per_channel + 1);
            known = known < samples_per_channel ? known : samples_per_channel;
            const size_t num_bytes = (known - first) * num_channels * sizeof(int16_t);
            block in = make_block(num_bytes);
            memcpy(in.data, (const unsigned char *)whole.data + first * num_channels * sizeof(int16_t), num_bytes);
            const size_t num_outputs = lku_linear_num_outputs(&state, known - first);
            block out = make_block(num_outputs * num_channels * sizeof(int16_t));
            const size_t used = lku_linear_s16(&state, in.data, known - first, num_channels, out.data);
            CHECK(used <= known - first, "%zu of %zu", used, known - first);
            for (size_t k = 0; k < num_outputs; k++)
                for (size_t channel = 0; channel < num_channels; channel++) {
                    const int16_t got = ((const lku_s16 *)out.data)[k * num_channels + channel];
                    const int64_t expected =
                        plain_output(whole.data, input_rate, output_rate, num_channels, done + k, channel);
                    CHECK(got == expected, "output %zu is %d, expected %lld", done + k, got, (long long)expected);
                }
            first += used;
            done += num_outputs;
            drop_block(in);
            drop_block(out);
            /* All outputs up to the last known frame, and none beyond. */
            CHECK(known == 0 || (done - 1) * input_rate <= (known - 1) * output_rate, "%zu too many", done);
            CHECK(known == 0 || done * input_rate > (known - 1) * output_rate, "%zu too few", done);
            if (samples_per_channel == 0)
                break;
        }
        drop_block(whole);
    }
    return 0;
}
