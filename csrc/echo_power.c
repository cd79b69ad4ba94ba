#include "echo_power.h"

#include <math.h>
#include <string.h>

enum { REF_ROWS = LKU_ECHO_LAGS - 1 + LKU_ECHO_BATCH, TILE = LKU_ECHO_GROUP };

size_t lku_echo_power_num_bytes(size_t num_channels, size_t num_bins) {
    const size_t row = num_channels * num_bins;
    const size_t doubles = LKU_ECHO_LAGS * (2 * row + num_bins);
    const size_t floats = 2 * LKU_ECHO_BATCH * row + 3 * (REF_ROWS + 1) * num_bins + LKU_ECHO_LAGS * row;
    return doubles * sizeof(double) + floats * sizeof(float);
}

void lku_echo_power_init(lku_echo_power *state, size_t num_channels, size_t num_bins, void *memory) {
    const size_t row = num_channels * num_bins;
    state->num_channels = num_channels;
    state->num_bins = num_bins;
    state->num_blocks = 0;
    state->num_heard = 0;
    state->is_known = 0;
    state->found = memory;
    state->spread = state->found + LKU_ECHO_LAGS * row;
    state->total = state->spread + LKU_ECHO_LAGS * row;
    state->mic = (float *)(state->total + LKU_ECHO_LAGS * num_bins);
    state->ref = state->mic + 2 * LKU_ECHO_BATCH * row;
    state->gains = state->ref + 3 * REF_ROWS * num_bins;
    state->sums = state->gains + LKU_ECHO_LAGS * row;
}

void lku_echo_power_forget(lku_echo_power *state) {
    const size_t row = state->num_channels * state->num_bins;
    memset(state->found, 0, LKU_ECHO_LAGS * row * sizeof *state->found);
    memset(state->spread, 0, LKU_ECHO_LAGS * row * sizeof *state->spread);
    memset(state->total, 0, LKU_ECHO_LAGS * state->num_bins * sizeof *state->total);
    state->num_heard = 0;
    state->is_known = 0;
}

/* Correlates the batch with the reference in all bins of one channel at one lag.
 * `mic` and `ref` are the first row's; a row of the reference is `bins` long, one of the microphone `row`. */
LKU_INLINE void correlate(const float *mic, const float *ref, size_t row, size_t bins, float *sums) {
    float *real = sums, *imag = sums + bins, *chance = sums + 2 * bins;
    memset(sums, 0, 3 * bins * sizeof *sums);
    for (size_t t = 0; t < LKU_ECHO_BATCH; t++) {
        const float *mic_real = mic + t * row, *mic_imag = mic_real + LKU_ECHO_BATCH * row;
        const float *ref_real = ref + t * bins, *ref_imag = ref_real + REF_ROWS * bins;
        const float *ref_power = ref_imag + REF_ROWS * bins;
        LKU_INDEPENDENT
        for (size_t b = 0; b < bins; b++) {
            const float nr = mic_real[b], ni = mic_imag[b], fr = ref_real[b], fi = ref_imag[b];
            real[b] += nr * fr + ni * fi;
            imag[b] += ni * fr - nr * fi;
            chance[b] += (nr * nr + ni * ni) * ref_power[b];
        }
    }
}

/* Adds the correlation of a batch to the sums of TILE bins of one channel at one lag, and sets their gains. */
LKU_INLINE void learn_tile(lku_echo_power *state, const float *real, const float *imag, const float *chance,
                           double *LKU_RESTRICT found, double *LKU_RESTRICT spread, const double *total,
                           float *LKU_RESTRICT gains) {
    double all_found = 0.0, all_spread = 0.0, all_total = 0.0;
    for (size_t b = 0; b < TILE; b++) {
        const double power = (double)real[b] * real[b] + (double)imag[b] * imag[b], p = chance[b];
        found[b] = LKU_ECHO_MEMORY * found[b] + (power - p);
        spread[b] = LKU_ECHO_MEMORY * LKU_ECHO_MEMORY * spread[b] + p * p;
        all_found += found[b];
        all_spread += spread[b];
        all_total += total[b];
    }
    if (state->num_heard < LKU_ECHO_LEARN)
        return;
    const double limit = LKU_ECHO_DEVIATIONS * LKU_ECHO_DEVIATIONS;
    const double least =
        all_found > 0.0 && all_found * all_found > limit * all_spread && all_total > 0.0 ? all_found / all_total : 0.0;
    for (size_t b = 0; b < TILE; b++) {
        const double f = found[b] > 0.0 ? found[b] : 0.0, t = total[b] > 1e-12 ? total[b] : 1e-12;
        const double gain = f * f > limit * spread[b] ? f / t : 0.0;
        gains[b] = (float)(gain > least ? gain : least);
    }
}

/* Adds the powers of the batch's reference at one lag to `total`. */
LKU_INLINE void add_powers(const float *power, size_t bins, double *total, float *sums) {
    float *sum = sums, *squares = sums + bins;
    memset(sums, 0, 2 * bins * sizeof *sums);
    for (size_t t = 0; t < LKU_ECHO_BATCH; t++, power += bins) {
        LKU_INDEPENDENT
        for (size_t b = 0; b < bins; b++) {
            sum[b] += power[b];
            squares[b] += power[b] * power[b];
        }
    }
    LKU_INDEPENDENT
    for (size_t b = 0; b < bins; b++)
        total[b] = LKU_ECHO_MEMORY * total[b] + ((double)sum[b] * sum[b] - (double)squares[b]);
}

LKU_INLINE void learn(lku_echo_power *state) {
    const size_t bins = state->num_bins, row = state->num_channels * bins;
    const float *sums = state->sums;
    for (size_t lag = 0; lag < LKU_ECHO_LAGS; lag++) {
        const float *ref = state->ref + (LKU_ECHO_LAGS - 1 - lag) * bins;
        double *total = state->total + lag * bins;
        add_powers(ref + 2 * REF_ROWS * bins, bins, total, state->sums);
        for (size_t start = 0; start < row; start += bins) {
            correlate(state->mic + start, ref, row, bins, state->sums);
            for (size_t b = 0; b < bins; b += TILE)
                learn_tile(state, sums + b, sums + bins + b, sums + 2 * bins + b,
                           state->found + lag * row + start + b, state->spread + lag * row + start + b, total + b,
                           state->gains + lag * row + start + b);
        }
    }
}

/* Sums up the echo of one channel; `power` is that of the newest block of the reference. */
LKU_INLINE void expect(const lku_echo_power *state, const float *power, const float *gains, size_t row, float *sum) {
    const size_t bins = state->num_bins;
    memset(sum, 0, bins * sizeof *sum);
    for (size_t lag = 0; lag < LKU_ECHO_LAGS; lag++, power -= bins, gains += row) {
        if (state->is_known) {
            LKU_INDEPENDENT
            for (size_t b = 0; b < bins; b++)
                sum[b] += gains[b] * power[b];
        } else {
            LKU_INDEPENDENT
            for (size_t b = 0; b < bins; b++)
                sum[b] = power[b] > sum[b] ? power[b] : sum[b];
        }
    }
}

LKU_INLINE void push_body(lku_echo_power *state, const lku_f32 *mic, const lku_f32 *ref, lku_f32 *echo) {
    const size_t bins = state->num_bins, row = state->num_channels * bins, now = state->num_blocks;
    const size_t plane = REF_ROWS * bins, newest = (now + LKU_ECHO_LAGS - 1) * bins;
    float *mic_row = state->mic + now * row, *ref_row = state->ref + newest;
    for (size_t i = 0; i < row; i++) {
        mic_row[i] = mic[2 * i];
        mic_row[LKU_ECHO_BATCH * row + i] = mic[2 * i + 1];
    }
    float loudest = 0.0f;
    for (size_t b = 0; b < bins; b++) {
        const float real = ref[2 * b], imag = ref[2 * b + 1], power = real * real + imag * imag;
        ref_row[b] = real;
        ref_row[plane + b] = imag;
        ref_row[2 * plane + b] = power;
        loudest = power > loudest ? power : loudest;
    }
    if (loudest > 0.0f && state->num_heard < LKU_ECHO_LEARN)
        state->num_heard++;

    for (size_t start = 0; start < row; start += bins) {
        expect(state, ref_row + 2 * plane, state->gains + start, row, state->sums);
        memcpy(echo + start, state->sums, bins * sizeof *echo);
    }
    if (++state->num_blocks < LKU_ECHO_BATCH)
        return;
    learn(state);
    state->is_known = state->num_heard == LKU_ECHO_LEARN;
    for (size_t k = 0; k < 3; k++)
        memmove(state->ref + k * plane, state->ref + k * plane + LKU_ECHO_BATCH * bins,
                (LKU_ECHO_LAGS - 1) * bins * sizeof *state->ref);
    state->num_blocks = 0;
}

LKU_KERNEL_VARIANTS(push, (lku_echo_power *state, const lku_f32 *mic, const lku_f32 *ref, lku_f32 *echo),
                    (state, mic, ref, echo))

void lku_echo_power_push(lku_simd simd, lku_echo_power *state, const lku_f32 *mic, const lku_f32 *ref, lku_f32 *echo) {
    LKU_KERNEL_CALL(push, simd, (state, mic, ref, echo));
}
