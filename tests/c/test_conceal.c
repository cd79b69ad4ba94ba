#include <math.h>

#include "conceal.h"
#include "testing.h"

enum { ROUNDS = 200 };

/* The state looks only at its memory, whatever comes; and digital silence stays silent. */
static void test_noise(size_t sample_rate, int is_silent) {
    block memory = make_block(lku_conceal_memory(sample_rate) * sizeof(int16_t) + 8);
    int16_t *aligned = (int16_t *)(((uintptr_t)memory.data + 7) & ~(uintptr_t)7);
    lku_conceal state;
    lku_conceal_init(&state, sample_rate, aligned);
    for (int call = 0; call < 30; call++) {
        const size_t n = random_size(2000);
        int16_t *samples = malloc((n + 1) * sizeof *samples);
        for (size_t i = 0; i < n; i++)
            samples[i] = is_silent ? 0 : random_s16();
        if (random_below(2))
            lku_conceal_lost(&state, samples, n);
        else
            lku_conceal_received(&state, samples, n);
        for (size_t i = 0; is_silent && i < n; i++)
            CHECK(samples[i] == 0, "silence became %d", samples[i]);
        free(samples);
    }
    drop_block(memory);
}

/* A tone goes on through a gap of 10 ms. */
static void test_tone(size_t sample_rate, double freq) {
    const size_t n = sample_rate / 100;
    const double pi = 3.14159265358979323846;
    int16_t *memory = malloc(lku_conceal_memory(sample_rate) * sizeof *memory);
    int16_t *samples = malloc(n * sizeof *samples);
    lku_conceal state;
    lku_conceal_init(&state, sample_rate, memory);
    for (size_t number = 0; number < 12; number++) {
        const int is_lost = number == 8;
        for (size_t i = 0; i < n; i++)
            samples[i] = (int16_t)rint(8000.0 * sin(2 * pi * freq * (double)(number * n + i) / (double)sample_rate));
        if (is_lost)
            lku_conceal_lost(&state, samples, n);
        else
            lku_conceal_received(&state, samples, n);
        for (size_t i = 0; i < n; i++) {
            const double expected = 8000.0 * sin(2 * pi * freq * (double)(number * n + i) / (double)sample_rate);
            CHECK(fabs(samples[i] - expected) < (number < 8 ? 1.0 : 1500.0), "%g Hz at %zu: %d, not %g in block %zu", freq,
                  sample_rate, samples[i], expected, number);
        }
    }
    free(memory);
    free(samples);
}

/* A gap ends in silence. */
static void test_end(size_t sample_rate) {
    const size_t n = sample_rate * 61 / 1000;
    int16_t *memory = malloc(lku_conceal_memory(sample_rate) * sizeof *memory);
    int16_t *samples = malloc(n * sizeof *samples);
    lku_conceal state;
    lku_conceal_init(&state, sample_rate, memory);
    for (size_t i = 0; i < n; i++)
        samples[i] = random_s16();
    lku_conceal_received(&state, samples, n);
    lku_conceal_lost(&state, samples, n);
    for (size_t i = sample_rate * 60 / 1000; i < n; i++)
        CHECK(samples[i] == 0, "%d after 60 ms", samples[i]);
    free(memory);
    free(samples);
}

int main(int argc, char **argv) {
    static const size_t rates[] = {LKU_CONCEAL_MIN_RATE, 8000, 11025, 16000, 48000, LKU_CONCEAL_MAX_RATE};
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        test_noise(rates[random_below(5)], round % 4 == 0);
        test_end(rates[random_below(5)]);
    }
    for (size_t i = 1; i < sizeof rates / sizeof *rates; i++) {
        test_noise(rates[i], 0);
        test_tone(rates[i], 100.0);
        test_tone(rates[i], 160.0);
    }
    return 0;
}
