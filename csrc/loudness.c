#include "loudness.h"

#include <math.h>
#include <string.h>

enum {
    HOPS_PER_SECOND = 100,
    HOPS_PER_BLOCK = 10,   /* gating blocks overlap by 75 % */
    TILE_FRAMES = 480,
    PAST = LKU_LOUDNESS_TAPS - 1
};

#define PI 3.14159265358979323846
#define REFERENCE_RATE 48000.0
#define REFERENCE_HZ 997.0     /* where BS.1770 calibrates */
#define OFFSET_LU (-0.691)
#define GATE_LUFS (-70.0)
#define BINS_PER_LU 100.0
#define SURROUND_WEIGHT 1.41   /* +1.5 dB */
#define KAISER_BETA 4.0

/* Far below what can be heard, and far above the denormal numbers, which are slow. */
#define DEAD 1e-30

/* +60 dB; keeps infinity out of the filters. */
#define HIGHEST 1000.0f

static double warped(double hz, double sample_rate) {
    return tan(PI * hz / sample_rate);
}

/* The stages of BS.1770-5, Annex 1, as second-order sections: at 48 kHz they have the coefficients of its tables. */
static lku_loudness_biquad make_shelf(double sample_rate) {
    const double hz = 1681.974450955533, q = 0.7071752369554196;
    const double high = pow(10.0, 3.999843853973347 / 20.0);
    const double band = pow(high, 0.4996667741545416);
    const double k = warped(hz, REFERENCE_RATE) * warped(REFERENCE_HZ, sample_rate) / warped(REFERENCE_HZ, REFERENCE_RATE);
    const double a0 = 1.0 + k / q + k * k;
    const lku_loudness_biquad made = {
        (high + band * k / q + k * k) / a0, 2.0 * (k * k - high) / a0, (high - band * k / q + k * k) / a0,
        2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0};
    return made;
}

static lku_loudness_biquad make_high_pass(double sample_rate) {
    const double hz = 38.13547087602444, q = 0.5003270373238773;
    const double k = warped(hz, sample_rate), reference = warped(hz, REFERENCE_RATE);
    const double a0 = 1.0 + k / q + k * k;
    /* The table has 1, -2, 1 at 48 kHz, which is a gain of 0.04 dB above the passband; so much at any rate. */
    const double gain = (1.0 + reference / q + reference * reference) / a0;
    const lku_loudness_biquad made = {gain, -2.0 * gain, gain, 2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0};
    return made;
}

/* The modified Bessel function of order 0; its series converges fast for such small numbers. */
static double bessel_i0(double x) {
    double term = 1.0, sum = 1.0;
    for (int k = 1; k < 40; k++) {
        term *= x / (2.0 * k) * (x / (2.0 * k));
        sum += term;
    }
    return sum;
}

static void make_taps(lku_loudness *state) {
    const double half = LKU_LOUDNESS_TAPS / 2;
    double most = 1.0;
    for (size_t place = 0; place < state->num_places; place++) {
        const double delay = (double)(place + 1) / (double)(state->num_places + 1);
        double taps[LKU_LOUDNESS_TAPS], sum = 0.0, absolute = 0.0;
        for (int k = 0; k < LKU_LOUDNESS_TAPS; k++) {
            const double t = (double)k - (half - 1.0) - delay;
            const double window = bessel_i0(KAISER_BETA * sqrt(1.0 - t / half * (t / half))) / bessel_i0(KAISER_BETA);
            taps[k] = sin(PI * t) / (PI * t) * window;
            sum += taps[k];
        }
        for (int k = 0; k < LKU_LOUDNESS_TAPS; k++) {
            state->taps[place][k] = (float)(taps[k] / sum);
            absolute += fabs(taps[k] / sum);
        }
        most = absolute > most ? absolute : most;
    }
    state->most = (float)(most * 1.0001); /* more than rounding adds */
}

static double channel_weight(size_t num_channels, size_t channel) {
    if (num_channels == 5)
        return channel >= 3 ? SURROUND_WEIGHT : 1.0;
    if (num_channels == 6)
        return channel == 3 ? 0.0 : channel > 3 ? SURROUND_WEIGHT : 1.0;
    return 1.0;
}

/* The first frame of a hop. Where the rate is no multiple of 100, hops differ by one frame. */
static uint64_t hop_start(const lku_loudness *state, uint64_t hop) {
    return hop / HOPS_PER_SECOND * state->sample_rate + hop % HOPS_PER_SECOND * state->sample_rate / HOPS_PER_SECOND;
}

size_t lku_loudness_num_bytes(size_t num_channels) {
    return sizeof(lku_loudness) + num_channels * sizeof(lku_loudness_channel) +
           num_channels * (PAST + TILE_FRAMES) * sizeof(float);
}

lku_loudness *lku_loudness_init(void *memory, size_t sample_rate, size_t num_channels) {
    lku_loudness *state = memory;
    state->sample_rate = sample_rate;
    state->num_channels = num_channels;
    state->num_places = sample_rate < 96000 ? 3 : sample_rate < 192000 ? 1 : 0;
    state->channels = (lku_loudness_channel *)(state + 1);
    state->samples = (float *)(state->channels + num_channels);
    state->shelf = make_shelf((double)sample_rate);
    state->high_pass = make_high_pass((double)sample_rate);
    make_taps(state);
    lku_loudness_reset(state);
    return state;
}

void lku_loudness_reset(lku_loudness *state) {
    state->num_hops = 0;
    state->missing = (size_t)hop_start(state, 1);
    state->peak = 0.0f;
    memset(state->hops, 0, sizeof state->hops);
    memset(state->num_blocks, 0, sizeof state->num_blocks);
    memset(state->energies, 0, sizeof state->energies);
    memset(state->num_windows, 0, sizeof state->num_windows);
    memset(state->window_energies, 0, sizeof state->window_energies);
    memset(state->channels, 0, state->num_channels * sizeof *state->channels);
    memset(state->samples, 0, state->num_channels * PAST * sizeof *state->samples);
    for (size_t channel = 0; channel < state->num_channels; channel++)
        state->channels[channel].weight = channel_weight(state->num_channels, channel);
}

static double loudness_of(double energy) {
    return energy > 0.0 ? OFFSET_LU + 10.0 * log10(energy) : -INFINITY;
}


/* Mean square of the last hops, of all channels. */
static double recent_energy(const lku_loudness *state, size_t num_hops) {
    const uint64_t last = state->num_hops;
    const uint64_t length = last < num_hops ? hop_start(state, num_hops) : hop_start(state, last) - hop_start(state, last - num_hops);
    double sum = 0.0;
    for (size_t k = 1; k <= num_hops; k++)
        sum += state->hops[(last + LKU_LOUDNESS_SHORT_TERM - k) % LKU_LOUDNESS_SHORT_TERM];
    return sum / (double)length;
}

static void count(uint64_t *numbers, double *energies, double energy) {
    const double place = (loudness_of(energy) - GATE_LUFS) * BINS_PER_LU;
    if (place > 0.0) {
        const size_t bin = place < LKU_LOUDNESS_BINS - 1 ? (size_t)place : LKU_LOUDNESS_BINS - 1;
        numbers[bin]++;
        energies[bin] += energy;
    }
}

static void end_hop(lku_loudness *state) {
    double sum = 0.0;
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        lku_loudness_channel *c = &state->channels[channel];
        sum += c->weight * c->sum;
        c->sum = 0.0;
        for (size_t k = 0; k < sizeof c->cells / sizeof *c->cells; k++)
            c->cells[k] = fabs(c->cells[k]) < DEAD ? 0.0 : c->cells[k];
    }
    state->hops[state->num_hops % LKU_LOUDNESS_SHORT_TERM] = sum;
    state->num_hops++;
    state->missing = (size_t)(hop_start(state, state->num_hops + 1) - hop_start(state, state->num_hops));
    if (state->num_hops % HOPS_PER_BLOCK != 0)
        return;
    if (state->num_hops >= LKU_LOUDNESS_MOMENTARY)
        count(state->num_blocks, state->energies, recent_energy(state, LKU_LOUDNESS_MOMENTARY));
    if (state->num_hops >= LKU_LOUDNESS_SHORT_TERM)
        count(state->num_windows, state->window_energies, recent_energy(state, LKU_LOUDNESS_SHORT_TERM));
}

/* Filters neighbouring channels side by side, in transposed direct form II, and sums the squares. */
LKU_INLINE void weigh_channels(const lku_loudness *state, lku_loudness_channel *channels, const float *in,
                               size_t num_frames, const size_t num_lanes) {
    const lku_loudness_biquad s = state->shelf, h = state->high_pass;
    const size_t stride = state->num_channels;
    double s0[2], s1[2], h0[2], h1[2], sums[2];
    for (size_t lane = 0; lane < num_lanes; lane++) {
        s0[lane] = channels[lane].cells[0];
        s1[lane] = channels[lane].cells[1];
        h0[lane] = channels[lane].cells[2];
        h1[lane] = channels[lane].cells[3];
        sums[lane] = channels[lane].sum;
    }
    for (size_t i = 0; i < num_frames; i++) {
        for (size_t lane = 0; lane < num_lanes; lane++) {
            const double x = (double)in[i * stride + lane];
            const double y = s.b0 * x + s0[lane];
            s0[lane] = (s.b1 * x + s1[lane]) - s.a1 * y;
            s1[lane] = s.b2 * x - s.a2 * y;
            const double z = h.b0 * y + h0[lane];
            h0[lane] = (h.b1 * y + h1[lane]) - h.a1 * z;
            h1[lane] = h.b2 * y - h.a2 * z;
            sums[lane] += z * z;
        }
    }
    for (size_t lane = 0; lane < num_lanes; lane++) {
        channels[lane].cells[0] = s0[lane];
        channels[lane].cells[1] = s1[lane];
        channels[lane].cells[2] = h0[lane];
        channels[lane].cells[3] = h1[lane];
        channels[lane].sum = sums[lane];
    }
}

static void weigh(lku_loudness *state, const float *in, size_t num_frames) {
    const size_t num_channels = state->num_channels;
    size_t channel = 0;
    for (; channel + 2 <= num_channels; channel += 2)
        weigh_channels(state, state->channels + channel, in + channel, num_frames, 2);
    if (channel < num_channels)
        weigh_channels(state, state->channels + channel, in + channel, num_frames, 1);
}

/* The bits of an absolute value: they have the order of the values, and their maximum is found in any order. */
LKU_INLINE int32_t magnitude_bits(float value) {
    union {
        float number;
        int32_t bits;
    } as = {value};
    return as.bits & 0x7fffffff;
}

static float number_of(int32_t bits) {
    union {
        int32_t bits;
        float number;
    } as = {bits};
    return as.number;
}

LKU_INLINE void load_s16_body(const lku_s16 *in, size_t num_values, float *LKU_RESTRICT out, int32_t *peak) {
    int32_t most = 0;
    for (size_t i = 0; i < num_values; i++) {
        const float value = (float)in[i] * (1.0f / 32768.0f);
        const int32_t bits = magnitude_bits(value);
        most = bits > most ? bits : most;
        out[i] = value;
    }
    *peak = most;
}

LKU_INLINE void load_f32_body(const lku_f32 *in, size_t num_values, float *LKU_RESTRICT out, int32_t *peak) {
    int32_t most = 0;
    for (size_t i = 0; i < num_values; i++) {
        float value = in[i] == in[i] ? in[i] : 0.0f;
        value = value > HIGHEST ? HIGHEST : value;
        value = value < -HIGHEST ? -HIGHEST : value;
        const int32_t bits = magnitude_bits(value);
        most = bits > most ? bits : most;
        out[i] = value;
    }
    *peak = most;
}

/* in: PAST * stride values further than there are outputs */
LKU_INLINE void interpolate_body(const float *taps, const float *in, size_t stride, size_t num_values, int32_t *peak) {
    int32_t most = *peak;
    for (size_t i = 0; i < num_values; i++) {
        float sum = 0.0f;
        for (size_t k = 0; k < LKU_LOUDNESS_TAPS; k++)
            sum += taps[k] * in[i + k * stride];
        const int32_t bits = magnitude_bits(sum);
        most = bits > most ? bits : most;
    }
    *peak = most;
}

LKU_KERNEL_VARIANTS(load_s16, (const lku_s16 *in, size_t num_values, float *LKU_RESTRICT out, int32_t *peak),
                    (in, num_values, out, peak))
LKU_KERNEL_VARIANTS(load_f32, (const lku_f32 *in, size_t num_values, float *LKU_RESTRICT out, int32_t *peak),
                    (in, num_values, out, peak))
LKU_KERNEL_VARIANTS(interpolate,
                    (const float *taps, const float *in, size_t stride, size_t num_values, int32_t *peak),
                    (taps, in, stride, num_values, peak))

/* Measures the frames that lie behind the past ones. */
static void measure(lku_simd simd, lku_loudness *state, size_t num_frames, int32_t peak) {
    const size_t past = PAST * state->num_channels, num_values = num_frames * state->num_channels;
    float *samples = state->samples;
    int32_t most = magnitude_bits(state->peak);
    int32_t reach = peak;

    for (size_t i = 0; i < past; i++) {
        const int32_t bits = magnitude_bits(samples[i]);
        reach = bits > reach ? bits : reach;
    }
    most = peak > most ? peak : most;
    /* Nothing between these samples can be above what was found already. */
    if (number_of(reach) * state->most > number_of(most))
        for (size_t place = 0; place < state->num_places; place++)
            LKU_KERNEL_CALL(interpolate, simd, (state->taps[place], samples, state->num_channels, num_values, &most));
    state->peak = number_of(most);

    weigh(state, samples + past, num_frames);
    memmove(samples, samples + num_values, past * sizeof *samples);
    state->missing -= num_frames;
    if (state->missing == 0)
        end_hop(state);
}

static size_t next_frames(const lku_loudness *state, size_t samples_per_channel) {
    return lku_min_size(lku_min_size(samples_per_channel, TILE_FRAMES), state->missing);
}

void lku_loudness_push_s16(lku_simd simd, lku_loudness *state, const lku_s16 *samples, size_t samples_per_channel) {
    float *tile = state->samples + PAST * state->num_channels;
    while (samples_per_channel > 0) {
        const size_t num_frames = next_frames(state, samples_per_channel);
        int32_t peak;
        LKU_KERNEL_CALL(load_s16, simd, (samples, num_frames * state->num_channels, tile, &peak));
        measure(simd, state, num_frames, peak);
        samples += num_frames * state->num_channels;
        samples_per_channel -= num_frames;
    }
}

void lku_loudness_push_f32(lku_simd simd, lku_loudness *state, const lku_f32 *samples, size_t samples_per_channel) {
    float *tile = state->samples + PAST * state->num_channels;
    while (samples_per_channel > 0) {
        const size_t num_frames = next_frames(state, samples_per_channel);
        int32_t peak;
        LKU_KERNEL_CALL(load_f32, simd, (samples, num_frames * state->num_channels, tile, &peak));
        measure(simd, state, num_frames, peak);
        samples += num_frames * state->num_channels;
        samples_per_channel -= num_frames;
    }
}

double lku_loudness_recent(const lku_loudness *state, size_t num_hops) {
    return loudness_of(recent_energy(state, num_hops));
}

/* Mean energy of the bins of which the mean is above a gate; the first of them, and how much they hold. */
typedef struct gated {
    size_t first;
    uint64_t number;
    double mean;
} gated;

static gated gate(const uint64_t *numbers, const double *energies, double energy) {
    gated result = {0, 0, 0.0};
    double sum = 0.0;
    for (size_t bin = 0; bin < LKU_LOUDNESS_BINS; bin++) {
        if (numbers[bin] == 0 || energies[bin] / (double)numbers[bin] <= energy)
            continue;
        if (result.number == 0)
            result.first = bin;
        result.number += numbers[bin];
        sum += energies[bin];
    }
    if (result.number > 0)
        result.mean = sum / (double)result.number;
    return result;
}

double lku_loudness_integrated(const lku_loudness *state) {
    const gated all = gate(state->num_blocks, state->energies, 0.0);
    return loudness_of(gate(state->num_blocks, state->energies, all.mean / 10.0).mean);
}

/* The loudness at a rank from 0, in the middle of its bin. */
static double at_rank(const uint64_t *numbers, size_t first, uint64_t rank) {
    for (size_t bin = first; bin < LKU_LOUDNESS_BINS; bin++) {
        if (rank < numbers[bin])
            return GATE_LUFS + ((double)bin + 0.5) / BINS_PER_LU;
        rank -= numbers[bin];
    }
    return GATE_LUFS + LKU_LOUDNESS_BINS / BINS_PER_LU;
}

double lku_loudness_range(const lku_loudness *state) {
    const gated all = gate(state->num_windows, state->window_energies, 0.0);
    const gated heard = gate(state->num_windows, state->window_energies, all.mean / 100.0);
    if (heard.number == 0)
        return 0.0;
    const double last = (double)(heard.number - 1);
    const uint64_t low = (uint64_t)(last * 0.10 + 0.5), high = (uint64_t)(last * 0.95 + 0.5);
    return at_rank(state->num_windows, heard.first, high) - at_rank(state->num_windows, heard.first, low);
}

double lku_loudness_true_peak(const lku_loudness *state) {
    return state->peak > 0.0f ? 20.0 * log10((double)state->peak) : -INFINITY;
}
