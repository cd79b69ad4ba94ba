#include <math.h>

#include "dtmf.h"
#include "testing.h"

enum { ROUNDS = 60, MAX_SAMPLES = 30000, MAX_DIGITS = 64 };

static const double rates[] = {8000, 8001, 11025, 16000, 22050, 24000, 44100, 48000, 96000, 384000};

static double random_rate(void) {
    return rates[random_below(sizeof rates / sizeof *rates)];
}

static float *make_state(lku_dtmf *state, double rate) {
    float *memory = malloc(lku_dtmf_memory(rate) * sizeof *memory);
    CHECK(memory != NULL, "memory");
    lku_dtmf_init(state, rate, memory);
    return memory;
}

/* The sums that dtmf.h states, in double. */
static void a_window_is_what_it_should_be(void) {
    lku_dtmf state;
    const double rate = random_rate(), pi = acos(-1.0);
    float *memory = make_state(&state, rate);
    const size_t length = 2 * state.half;
    float *x = malloc(length * sizeof *x);
    CHECK(x != NULL, "memory");
    for (size_t i = 0; i < length; i++)
        x[i] = random_s16();
    FOR_EACH_SIMD(simd) {
        lku_dtmf_window window;
        lku_dtmf_measure(simd, &state, x, &window);
        double square = 0.0, mean = 0.0;
        for (size_t i = 0; i < length; i++) {
            const double weight = 1.0 - cos(2.0 * pi * ((double)i + 0.5) / (double)length);
            square += weight * x[i] * x[i] / (double)length;
            mean += weight * x[i] / (double)length;
        }
        CHECK(fabs(window.mean_square - (square - mean * mean)) < 1e-4 * square, "%g Hz: %f", rate,
              (double)window.mean_square);
        for (int k = 0; k < LKU_DTMF_TONES; k++) {
            double re = 0.0, im = 0.0;
            for (size_t i = 0; i < length; i++) {
                const double place = (double)i + 0.5 - (double)length / 2.0;
                const double weight = 1.0 - cos(2.0 * pi * ((double)i + 0.5) / (double)length);
                re += weight * x[i] * cos(2.0 * pi * lku_dtmf_hz[k] * place / rate);
                im -= weight * x[i] * sin(2.0 * pi * lku_dtmf_hz[k] * place / rate);
            }
            const double limit = 1e-5 * sqrt(square) * (double)length;
            CHECK(fabs(window.re[k] - re) < limit, "%g Hz, tone %d: %f, expected %f", rate, k, (double)window.re[k], re);
            CHECK(fabs(window.im[k] - im) < limit, "%g Hz, tone %d: %f, expected %f", rate, k, (double)window.im[k], im);
        }
    }
    free(x);
    free(memory);
}

/* Tones, noise and silence of random lengths. */
static void fill(lku_s16 *samples, size_t num_samples, double rate) {
    const double pi = acos(-1.0);
    for (size_t i = 0; i < num_samples;) {
        const size_t kind = random_below(3), low = random_below(4), high = 4 + random_below(4);
        const size_t end = lku_min_size(num_samples, i + 1 + random_below((size_t)(rate * 0.12)));
        for (; i < end; i++) {
            const double t = 2.0 * pi * (double)i / rate;
            const double digit = 5000.0 * (sin(t * lku_dtmf_hz[low]) + sin(t * lku_dtmf_hz[high]));
            samples[i] = (int16_t)(kind == 0 ? 0 : kind == 1 ? random_s16() : (int)digit);
        }
    }
}

static size_t detect(lku_simd simd, double rate, const lku_s16 *samples, size_t num_samples, size_t most,
                     lku_dtmf_digit *digits) {
    lku_dtmf state;
    float *memory = make_state(&state, rate);
    size_t num_digits = 0;
    for (size_t start = 0; start < num_samples;) {
        const size_t end = lku_min_size(num_samples, start + 1 + random_below(most));
        while (start < end) {
            start += lku_dtmf_push(simd, &state, samples + start, end - start, &digits[num_digits]);
            num_digits += digits[num_digits].digit >= 0;
            CHECK(num_digits < MAX_DIGITS - 2, "more digits than there is time for");
        }
    }
    num_digits += lku_dtmf_flush(simd, &state, digits + num_digits);
    free(memory);
    return num_digits;
}

static size_t total_digits;

static void any_chunking_finds_the_same(void) {
    const double rate = random_below(2) ? 8000 : random_rate();
    const size_t num_samples = random_size(MAX_SAMPLES);
    block sound = make_block(num_samples * 2);
    fill(sound.data, num_samples, rate);
    lku_dtmf_digit expected[MAX_DIGITS], got[MAX_DIGITS];
    const size_t num_expected = detect(LKU_SIMD_BASELINE, rate, sound.data, num_samples, num_samples + 1, expected);
    total_digits += num_expected;
    int64_t end = 0;
    for (size_t i = 0; i < num_expected; i++) {
        CHECK(expected[i].digit < 16 && expected[i].start >= end && expected[i].duration > 0, "digit %zu", i);
        end = expected[i].start + expected[i].duration;
        CHECK(end <= (int64_t)num_samples, "a digit beyond the end");
    }
    FOR_EACH_SIMD(simd) {
        const size_t num_got = detect(simd, rate, sound.data, num_samples, 1 + random_below(2000), got);
        CHECK(num_got == num_expected, "%zu digits, expected %zu", num_got, num_expected);
        for (size_t i = 0; i < num_got; i++)
            CHECK(got[i].digit == expected[i].digit && got[i].start == expected[i].start &&
                      got[i].duration == expected[i].duration,
                  "digit %zu differs", i);
    }
    drop_block(sound);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++) {
        a_window_is_what_it_should_be();
        any_chunking_finds_the_same();
    }
    CHECK(total_digits > 10, "%zu digits in all", total_digits);
    return 0;
}
