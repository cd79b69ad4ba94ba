#include <math.h>

#include "high_pass.h"
#include "testing.h"

enum { ROUNDS = 300, MAX_FRAMES = 5000, MAX_CHANNELS = 3 };

/* One channel in one go by the difference equation itself, one biquad after the other. */
static void plain(double sample_rate, const lku_s16 *in, size_t samples_per_channel, size_t stride, double *out) {
    const double pi = acos(-1.0), w = 2.0 * pi * LKU_HIGH_PASS_HZ / sample_rate;
    for (size_t i = 0; i < samples_per_channel; i++)
        out[i] = in[i * stride];
    for (int k = 0; k < 2; k++) {
        const double a = sin(w) * cos((2 * k + 1) * pi / 8.0), c = cos(w);
        double x1 = 0.0, x2 = 0.0, y1 = 0.0, y2 = 0.0;
        for (size_t i = 0; i < samples_per_channel; i++) {
            const double x = out[i];
            const double y = ((1.0 + c) / 2.0 * (x - 2.0 * x1 + x2) + 2.0 * c * y1 - (1.0 - a) * y2) / (1.0 + a);
            x2 = x1;
            x1 = x;
            y2 = y1;
            y1 = y;
            out[i] = y;
        }
    }
}

static void one_round(void) {
    static const double rates[] = {1000, 8000, 11025, 16000, 22050, 44100, 48000, 192000};
    const double rate = rates[random_below(sizeof rates / sizeof *rates)];
    const size_t samples_per_channel = random_size(MAX_FRAMES), num_channels = 1 + random_below(MAX_CHANNELS);
    block whole = make_noise(samples_per_channel * num_channels), done = make_block(whole.num_bytes);
    memcpy(done.data, whole.data, whole.num_bytes);
    lku_high_pass filter;
    lku_high_pass_memory memories[MAX_CHANNELS] = {{{{0.0}}}};
    lku_high_pass_init(&filter, rate);
    for (size_t start = 0; start < samples_per_channel;) {
        const size_t count = lku_min_size(1 + random_below(2000), samples_per_channel - start);
        lku_high_pass_s16(&filter, memories, (lku_s16 *)done.data + start * num_channels, count, num_channels);
        start += count;
    }
    double *expected = malloc((samples_per_channel + 1) * sizeof *expected);
    CHECK(expected != NULL, "memory");
    for (size_t channel = 0; channel < num_channels; channel++) {
        plain(rate, (const lku_s16 *)whole.data + channel, samples_per_channel, num_channels, expected);
        for (size_t i = 0; i < samples_per_channel; i++) {
            const double wanted = fmin(fmax(expected[i], -32768.0), 32767.0);
            const int16_t got = ((const lku_s16 *)done.data)[i * num_channels + channel];
            CHECK(fabs(got - wanted) < 0.5 + 1e-4, "%g Hz, frame %zu is %d, expected %f", rate, i, got, wanted);
        }
    }
    free(expected);
    drop_block(whole);
    drop_block(done);
}

static void what_dies_away_is_gone(void) {
    lku_high_pass filter;
    lku_high_pass_memory memory = {{{0.0}}};
    block sound = make_noise(4800), silence = make_block(5000 * 2);
    lku_high_pass_init(&filter, 8000);
    lku_high_pass_s16(&filter, &memory, sound.data, 4800, 1);
    CHECK(memory.cells[1][1] != 0.0, "noise leaves something behind");
    for (int i = 0; i < 10; i++) {
        memset(silence.data, 0, silence.num_bytes);
        lku_high_pass_s16(&filter, &memory, silence.data, 5000, 1);
        for (int k = 0; k < 4; k++)
            CHECK(memory.cells[k / 2][k % 2] == 0.0 || fabs(memory.cells[k / 2][k % 2]) > 1e-300, "denormal");
    }
    for (int k = 0; k < 4; k++)
        CHECK(memory.cells[k / 2][k % 2] == 0.0, "%g is left", memory.cells[k / 2][k % 2]);
    for (int i = 0; i < 5000; i++)
        CHECK(((const lku_s16 *)silence.data)[i] == 0, "silence");
    drop_block(sound);
    drop_block(silence);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        one_round();
    what_dies_away_is_gone();
    return 0;
}
