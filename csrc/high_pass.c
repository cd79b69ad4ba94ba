#include "high_pass.h"

#include <math.h>

/* So often a memory is looked at for what has died away. */
enum { TILE_FRAMES = 1024 };

/* Far below what can turn a sample, and far above the denormal numbers, which are slow. */
#define DEAD 1e-30

void lku_high_pass_init(lku_high_pass *filter, double sample_rate) {
    const double pi = 3.14159265358979323846;
    const double w = 2.0 * pi * LKU_HIGH_PASS_HZ / sample_rate;
    for (int i = 0; i < LKU_HIGH_PASS_BIQUADS; i++) {
        const double q = 1.0 / (2.0 * cos((2 * i + 1) * pi / (4.0 * LKU_HIGH_PASS_BIQUADS)));
        const double a = sin(w) / (2.0 * q);
        filter->biquads[i].b = (1.0 + cos(w)) / 2.0 / (1.0 + a);
        filter->biquads[i].a1 = -2.0 * cos(w) / (1.0 + a);
        filter->biquads[i].a2 = (1.0 - a) / (1.0 + a);
    }
}

/* Transposed direct form II. */
LKU_INLINE double step(const lku_biquad *biquad, double *cells, double x) {
    const double y = biquad->b * x + cells[0];
    cells[0] = cells[1] - 2.0 * biquad->b * x - biquad->a1 * y;
    cells[1] = biquad->b * x - biquad->a2 * y;
    return y;
}

static void filter_channel(const lku_high_pass *filter, lku_high_pass_memory *memory, lku_s16 *samples,
                           size_t samples_per_channel, size_t num_channels) {
    const lku_high_pass f = *filter;
    lku_high_pass_memory m = *memory;
    for (size_t i = 0; i < samples_per_channel; i++) {
        double value = samples[i * num_channels];
        for (int k = 0; k < LKU_HIGH_PASS_BIQUADS; k++)
            value = step(&f.biquads[k], m.cells[k], value);
        /* The largest gain for any input is the sum of the impulse response's absolute values, below 4. */
        samples[i * num_channels] = lku_sat_s16((int32_t)lrint(value));
    }
    for (int k = 0; k < LKU_HIGH_PASS_BIQUADS; k++)
        for (int j = 0; j < 2; j++)
            m.cells[k][j] = fabs(m.cells[k][j]) < DEAD ? 0.0 : m.cells[k][j];
    *memory = m;
}

void lku_high_pass_s16(const lku_high_pass *filter, lku_high_pass_memory *memories, lku_s16 *samples,
                       size_t samples_per_channel, size_t num_channels) {
    for (size_t start = 0; start < samples_per_channel; start += TILE_FRAMES) {
        const size_t count = lku_min_size(TILE_FRAMES, samples_per_channel - start);
        for (size_t channel = 0; channel < num_channels; channel++)
            filter_channel(filter, &memories[channel], samples + start * num_channels + channel, count, num_channels);
    }
}
