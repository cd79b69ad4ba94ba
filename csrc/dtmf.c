#include "dtmf.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

enum { LANES = LKU_DTMF_TONES };

#define TWO_PI 6.283185307179586476925286766559
#define HOP_S 0.005

/* Limits of Recommendation ITU-T Q.24 are those of its first column: tones are accepted within 1.5 % and refused from
 * 3.5 % on, digits of 40 ms are accepted and those of 23 ms refused, the high tone may be 4 dB stronger to 8 dB weaker,
 * breaks up to 10 ms belong to the digit, and pauses of 40 ms end it. Ours lie between what must and must not be. */
#define MAX_DETUNING 0.025
#define MIN_DURATION_S 0.032
#define MAX_TWIST 3.981   /* +6 dB, as a ratio of powers: high to low */
#define MIN_TWIST 0.1     /* -10 dB */

/* Of either tone. -25 dBm0 has to be accepted and -55 dBm0 refused; this is -40 dBm0, where a sine wave of full scale
 * has +3.17 dBm0. */
#define MIN_AMPLITUDE 227.0

/* Part of a window's power that the two tones have at least. It is 0.97 with noise 15 dB below the digit. The lower it
 * is, the more noise may be, and the more often speech is taken for a digit. A window over an edge has the part of it
 * (weighted) that the digit covers. */
#define MIN_SHARE 0.8

/* Power of another tone of the same group, to that of the strongest. The window lets 0.1 of a tone through to its
 * neighbour if it is off by 1.5 %; two keys at once have more. */
#define MAX_NEIGHBOUR 0.25

/* Gain in power of the window for the largest detuning, 41 Hz. */
#define LEAST_GAIN 0.4

/* Windows without the digit that end it, which is 25 ms: a break of 10 ms spoils four, a pause of 40 ms nine. */
#define END_WINDOWS 5

/* A digit of 40 ms is in six windows, one of 24 ms in four. */
#define MIN_WINDOWS 5

const double lku_dtmf_hz[LKU_DTMF_TONES] = {697.0, 770.0, 852.0, 941.0, 1209.0, 1336.0, 1477.0, 1633.0};

static size_t hop_of(double sample_rate) {
    return 4 * (size_t)(sample_rate * HOP_S / 4.0 + 0.5);
}

size_t lku_dtmf_memory(double sample_rate) {
    const size_t half = hop_of(sample_rate) * LKU_DTMF_HOPS / 2;
    return half * (2 * LKU_DTMF_TONES + 6);
}

void lku_dtmf_init(lku_dtmf *state, double sample_rate, float *memory) {
    memset(state, 0, sizeof *state);
    state->sample_rate = sample_rate;
    state->hop = hop_of(sample_rate);
    const size_t half = state->half = state->hop * LKU_DTMF_HOPS / 2;
    float *tables = memory;
    float *weights = tables + half * 2 * LKU_DTMF_TONES;
    state->tables = tables;
    state->weights = weights;
    state->scratch = weights + half;
    state->samples = state->scratch + 3 * half;
    for (size_t i = 0; i < half; i++) {
        const double place = (double)i + 0.5;
        const double weight = 1.0 + cos(TWO_PI * place / (double)(2 * half));
        weights[i] = (float)weight;
        for (size_t k = 0; k < LKU_DTMF_TONES; k++) {
            const double angle = TWO_PI * lku_dtmf_hz[k] * place / sample_rate;
            tables[i * 2 * LKU_DTMF_TONES + k] = (float)(weight * cos(angle));
            tables[i * 2 * LKU_DTMF_TONES + LKU_DTMF_TONES + k] = (float)(-weight * sin(angle));
        }
    }
    for (size_t k = 0; k < LKU_DTMF_TONES; k++) {
        const double angle = TWO_PI * lku_dtmf_hz[k] * (double)state->hop / sample_rate;
        state->turn_re[k] = cos(angle);
        state->turn_im[k] = sin(angle);
    }
    lku_dtmf_reset(state);
}

void lku_dtmf_reset(lku_dtmf *state) {
    state->filled = 0;
    state->num_hops = 0;
    state->earliest = 0;
    memset(state->samples, 0, 2 * state->half * sizeof *state->samples);
    memset(state->windows, 0, sizeof state->windows);
    memset(state->levels, 0, sizeof state->levels);
    state->run.digit = state->challenger.digit = -1;
}

/* -- one window --------------------------------------------------------------------------------------------------- */

/* Eight partial sums. As a vector they stay in registers, while compilers keep an array of them in memory, which takes
 * seven times as long. Both forms compute the same bits. */
#if defined(__GNUC__)
typedef float lanes __attribute__((vector_size(4 * LANES)));
#define ZEROS {0.0f}

LKU_INLINE void add_products(lanes *sum, const float *a, const float *b) {
    lanes left, right;
    memcpy(&left, a, sizeof left);
    memcpy(&right, b, sizeof right);
    *sum += left * right;
}

LKU_INLINE void add_row(lanes *sum, float factor, const float *row) {
    lanes values;
    memcpy(&values, row, sizeof values);
    *sum += factor * values;
}
#else
typedef struct lanes {
    float values[LANES];
} lanes;
#define ZEROS {{0.0f}}

LKU_INLINE void add_products(lanes *sum, const float *a, const float *b) {
    for (int j = 0; j < LANES; j++)
        sum->values[j] += a[j] * b[j];
}

LKU_INLINE void add_row(lanes *sum, float factor, const float *row) {
    for (int j = 0; j < LANES; j++)
        sum->values[j] += factor * row[j];
}
#endif

LKU_INLINE void store(const lanes *from, float to[LANES]) {
    memcpy(to, from, sizeof *from);
}

LKU_INLINE float total(const lanes *partial) {
    float values[LANES];
    store(partial, values);
    float sum = 0.0f;
    for (int j = 0; j < LANES; j++)
        sum += values[j];
    return sum;
}

/* The cosines of a window are even around its centre, and the sines are odd: so half of the products is enough. */
LKU_INLINE void measure_body(const float *LKU_RESTRICT samples, size_t half, const float *LKU_RESTRICT weights,
                             const float *LKU_RESTRICT tables, float *LKU_RESTRICT scratch,
                             lku_dtmf_window *LKU_RESTRICT window) {
    float *LKU_RESTRICT sums = scratch, *LKU_RESTRICT differences = scratch + half;
    float *LKU_RESTRICT squares = scratch + 2 * half;
    for (size_t i = 0; i < half; i++) {
        const float after = samples[half + i], before = samples[half - 1 - i];
        sums[i] = after + before;
        differences[i] = after - before;
        squares[i] = after * after + before * before;
    }
    lanes square = ZEROS, mean = ZEROS;
    for (size_t i = 0; i < half; i += LANES) {
        add_products(&square, weights + i, squares + i);
        add_products(&mean, weights + i, sums + i);
    }
    /* Two chains of sums each, so that one addition need not wait for the other. */
    lanes re = ZEROS, im = re, re_odd = re, im_odd = re;
    for (size_t i = 0; i < half; i += 2) {
        const float *row = tables + i * 2 * LANES;
        add_row(&re, sums[i], row);
        add_row(&im, differences[i], row + LANES);
        add_row(&re_odd, sums[i + 1], row + 2 * LANES);
        add_row(&im_odd, differences[i + 1], row + 3 * LANES);
    }
    float odd[LANES];
    store(&re, window->re);
    store(&re_odd, odd);
    for (int k = 0; k < LANES; k++)
        window->re[k] += odd[k];
    store(&im, window->im);
    store(&im_odd, odd);
    for (int k = 0; k < LANES; k++)
        window->im[k] += odd[k];
    /* The sum of the weights is the window's length. */
    const float length = (float)(2 * half);
    window->mean_square = total(&square) / length - total(&mean) / length * (total(&mean) / length);
}

LKU_KERNEL_VARIANTS(measure,
                    (const float *LKU_RESTRICT samples, size_t half, const float *LKU_RESTRICT weights,
                     const float *LKU_RESTRICT tables, float *LKU_RESTRICT scratch,
                     lku_dtmf_window *LKU_RESTRICT window),
                    (samples, half, weights, tables, scratch, window))

void lku_dtmf_measure(lku_simd simd, const lku_dtmf *state, const float *samples, lku_dtmf_window *window) {
    LKU_KERNEL_CALL(measure, simd, (samples, state->half, state->weights, state->tables, state->scratch, window));
}

/* How far a tone's frequency is from its nominal one, in Hz: by the phase from window to window. */
static double detuning(const lku_dtmf *state, const lku_dtmf_window *window, const lku_dtmf_window *before, size_t k) {
    const double re = (double)window->re[k] * (double)before->re[k] + (double)window->im[k] * (double)before->im[k];
    const double im = (double)window->im[k] * (double)before->re[k] - (double)window->re[k] * (double)before->im[k];
    const double angle = atan2(im * state->turn_re[k] - re * state->turn_im[k],
                               re * state->turn_re[k] + im * state->turn_im[k]);
    return angle / TWO_PI * state->sample_rate / (double)state->hop;
}

/* Gain of the Hann window for a tone so far from the frequency that is measured. */
static double window_gain(const lku_dtmf *state, double hz) {
    const double bins = hz * (double)(2 * state->half) / state->sample_rate;
    const double angle = bins * TWO_PI / 2.0;
    return fabs(bins) < 1e-4 ? 1.0 : sin(angle) / angle / (1.0 - bins * bins);
}

static size_t strongest(const double *powers) {
    size_t best = 0;
    for (size_t k = 1; k < LKU_DTMF_GROUP; k++)
        best = powers[k] > powers[best] ? k : best;
    return best;
}

/* Returns the digit that a window holds, or -1. */
static int32_t judge(const lku_dtmf *state, const lku_dtmf_window *window, const lku_dtmf_window *before) {
    /* A sine wave of amplitude a has |X| = a * length / 2; so this is the square of the amplitude. */
    const double scale = 1.0 / ((double)state->half * (double)state->half);
    double powers[LKU_DTMF_TONES];
    for (size_t k = 0; k < LKU_DTMF_TONES; k++) {
        const double re = window->re[k], im = window->im[k];
        powers[k] = scale * (re * re + im * im);
    }
    const size_t row = strongest(powers), column = strongest(powers + LKU_DTMF_GROUP);
    const size_t tones[2] = {row, LKU_DTMF_GROUP + column};
    const double least = 2.0 * MIN_SHARE * (double)window->mean_square;
    /* Most windows end here. */
    if (powers[tones[0]] + powers[tones[1]] < LEAST_GAIN * least ||
        fmin(powers[tones[0]], powers[tones[1]]) < LEAST_GAIN * MIN_AMPLITUDE * MIN_AMPLITUDE)
        return -1;
    for (size_t k = 0; k < LKU_DTMF_TONES; k++) {
        const size_t best = tones[k / LKU_DTMF_GROUP];
        if (k != best && powers[k] > MAX_NEIGHBOUR * powers[best])
            return -1;
    }
    double power[2];
    for (size_t i = 0; i < 2; i++) {
        const double hz = detuning(state, window, before, tones[i]);
        if (!(fabs(hz) <= MAX_DETUNING * lku_dtmf_hz[tones[i]]))
            return -1;
        const double gain = window_gain(state, hz);
        power[i] = powers[tones[i]] / (gain * gain);
        if (power[i] < MIN_AMPLITUDE * MIN_AMPLITUDE)
            return -1;
    }
    if (power[0] + power[1] < least || power[1] > MAX_TWIST * power[0] || power[1] < MIN_TWIST * power[0])
        return -1;
    return (int32_t)(row * LKU_DTMF_GROUP + column);
}

/* -- from windows to digits --------------------------------------------------------------------------------------- */

/* The amplitude of a digit in a window that is remembered: the geometric mean of its tones, so that another digit with
 * one of them does not count. */
static double level(const lku_dtmf *state, int32_t digit, int64_t number) {
    if (number < 0)
        return 0.0;
    const float *levels = state->levels[number % LKU_DTMF_PAST];
    const double low = levels[digit / LKU_DTMF_GROUP], high = levels[LKU_DTMF_GROUP + digit % LKU_DTMF_GROUP];
    return sqrt(low * high);
}

static int64_t centre(const lku_dtmf *state, int64_t number) {
    return (number + 1) * (int64_t)state->hop - (int64_t)state->half;
}

static void begin(const lku_dtmf *state, lku_dtmf_run *run, int32_t digit, int64_t number) {
    run->digit = digit;
    run->first = run->last = number;
    run->num_windows = 1;
    for (int i = 0; i < LKU_DTMF_HOPS; i++)
        run->lead[i] = level(state, digit, number - i);
    run->start_level = run->lead[0];
}

static void extend(const lku_dtmf *state, lku_dtmf_run *run, int64_t number) {
    run->last = number;
    run->num_windows++;
    if (number <= run->first + 2)
        run->start_level = fmax(run->start_level, level(state, run->digit, number));
}

/* The amplitudes of a tone of constant level add up to its length: the weights of the windows over a sample always have
 * the same sum. Returns whether the run is a digit. */
static bool end(lku_dtmf *state, lku_dtmf_digit *found) {
    const lku_dtmf_run run = state->run;
    state->run.digit = -1;
    if (run.digit < 0 || run.num_windows < MIN_WINDOWS || 2 * run.num_windows <= run.last - run.first)
        return false;
    double before = 0.0, after = 0.0, end_level = 0.0;
    for (int i = 0; i < LKU_DTMF_HOPS; i++)
        before += fmin(run.lead[i] / run.start_level, 1.0);
    for (int i = 0; i < 3; i++)
        end_level = fmax(end_level, level(state, run.digit, run.last - i));
    for (int64_t i = run.last; i < run.last + LKU_DTMF_HOPS && i < state->num_hops; i++)
        after += fmin(level(state, run.digit, i) / end_level, 1.0);
    const double hop = (double)state->hop;
    int64_t start = centre(state, run.first) + llrint(hop * (0.5 - before));
    const int64_t stop = centre(state, run.last) + llrint(hop * (after - 0.5));
    start = start < state->earliest ? state->earliest : start;
    if ((double)(stop - start) < MIN_DURATION_S * state->sample_rate)
        return false;
    state->earliest = stop;
    *found = (lku_dtmf_digit){run.digit, start, stop - start};
    return true;
}

/* Takes what the newest window holds. Returns whether a digit has ended. */
static bool follow(lku_dtmf *state, int32_t digit, lku_dtmf_digit *found) {
    const int64_t number = state->num_hops - 1;
    lku_dtmf_run *run = &state->run, *challenger = &state->challenger;
    if (run->digit < 0) {
        if (digit >= 0)
            begin(state, run, digit, number);
        return false;
    }
    if (digit == run->digit) {
        extend(state, run, number);
        challenger->digit = -1;
        return false;
    }
    if (digit >= 0 && digit == challenger->digit && challenger->last == number - 1) {
        /* Another digit in two windows one after the other: it follows without a pause. */
        extend(state, challenger, number);
        const bool ended = end(state, found);
        *run = *challenger;
        challenger->digit = -1;
        return ended;
    }
    challenger->digit = -1;
    if (digit >= 0)
        begin(state, challenger, digit, number);
    if (number - run->last < END_WINDOWS)
        return false;
    const bool ended = end(state, found);
    *run = *challenger;
    challenger->digit = -1;
    return ended;
}

static bool take_hop(lku_simd simd, lku_dtmf *state, lku_dtmf_digit *found) {
    const int64_t number = state->num_hops++;
    lku_dtmf_window *window = &state->windows[number & 1];
    lku_dtmf_measure(simd, state, state->samples, window);
    float *levels = state->levels[number % LKU_DTMF_PAST];
    for (size_t k = 0; k < LKU_DTMF_TONES; k++)
        levels[k] = sqrtf(window->re[k] * window->re[k] + window->im[k] * window->im[k]);
    memmove(state->samples, state->samples + state->hop, (2 * state->half - state->hop) * sizeof *state->samples);
    state->filled = 0;
    return follow(state, judge(state, window, &state->windows[~number & 1]), found);
}

size_t lku_dtmf_push(lku_simd simd, lku_dtmf *state, const lku_s16 *samples, size_t num_samples,
                     lku_dtmf_digit *found) {
    found->digit = -1;
    for (size_t taken = 0; taken < num_samples;) {
        const size_t n = lku_min_size(num_samples - taken, state->hop - state->filled);
        float *newest = state->samples + 2 * state->half - state->hop + state->filled;
        for (size_t i = 0; i < n; i++)
            newest[i] = samples[taken + i];
        taken += n;
        state->filled += n;
        if (state->filled == state->hop && take_hop(simd, state, found))
            return taken;
    }
    return num_samples;
}

size_t lku_dtmf_flush(lku_simd simd, lku_dtmf *state, lku_dtmf_digit found[2]) {
    const int64_t total = state->num_hops * (int64_t)state->hop + (int64_t)state->filled;
    size_t num_found = 0;
    for (int i = 0; i <= LKU_DTMF_HOPS + END_WINDOWS; i++) {
        memset(state->samples + 2 * state->half - state->hop + state->filled, 0,
               (state->hop - state->filled) * sizeof *state->samples);
        if (take_hop(simd, state, &found[num_found]))
            num_found++;
    }
    for (size_t i = 0; i < num_found; i++)
        if (found[i].start + found[i].duration > total)
            found[i].duration = total - found[i].start;
    lku_dtmf_reset(state);
    return num_found;
}
