#include "mix.h"

#include <stdbool.h>

#if LKU_HAS_TARGETS
#include "mix_x86.h"
#endif

/* Inputs are added GROUP at a time, so that the running sum is loaded and stored once per group. */
enum { GROUP = 8, TILE = 1024, GAIN_TILE = 256 };

/* Half a sample, in the fixed point of a sum. */
enum { HALF = 1 << (LKU_GAIN_BITS - 1) };

/* A shape is looked at anew after so many frames, whether it has come to rest. */
enum { SHAPE_STEP = 16 };

/* An int32_t holds the sum of this many full-scale inputs. */
enum { MAX_INPUTS_S32 = 65536 };

static const int16_t silence[TILE];

/* Adds up the samples from `start` on of inputs that all have a gain of 1. */
LKU_INLINE void add_unity(const lku_mix_input *inputs, size_t num_inputs, size_t start, size_t n, int32_t *sum) {
    for (size_t i = 0; i < n; i++)
        sum[i] = 0;
    for (size_t first = 0; first < num_inputs; first += GROUP) {
        const lku_s16 *in[GROUP];
        for (size_t j = 0; j < GROUP; j++)
            in[j] = first + j < num_inputs ? inputs[first + j].samples + start : (const lku_s16 *)silence;
        const lku_s16 *a = in[0], *b = in[1], *c = in[2], *d = in[3];
        const lku_s16 *e = in[4], *f = in[5], *g = in[6], *h = in[7];
        for (size_t i = 0; i < n; i++)
            sum[i] += (a[i] + b[i] + c[i] + d[i]) + (e[i] + f[i] + g[i] + h[i]);
    }
}

LKU_INLINE void mix_unity_body(const lku_mix_input *inputs, size_t num_inputs, size_t first_sample,
                               size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    int32_t sum[TILE];

    for (size_t start = first_sample; start < num_samples; start += TILE) {
        const size_t n = lku_min_size(num_samples - start, TILE);
        add_unity(inputs, num_inputs, start, n, sum);
        for (size_t i = 0; i < n; i++)
            out[start + i] = lku_sat_s16(sum[i]);
    }
}

LKU_KERNEL_VARIANTS(mix_unity,
                    (const lku_mix_input *inputs, size_t num_inputs, size_t first_sample, size_t num_samples,
                     lku_s16 *LKU_RESTRICT out),
                    (inputs, num_inputs, first_sample, num_samples, out))

/* The step of one frame of a ramp, with 24 further fractional bits, so that a long ramp still ends where it should. */
LKU_INLINE int64_t ramp_step(const lku_mix_input *input) {
    return ((int64_t)input->gain - input->gain_from) * ((int64_t)1 << 24) / input->ramp_length;
}

LKU_INLINE int64_t ramp_at(int32_t gain_from, int64_t step, size_t frame) {
    /* A shift of a negative number rounds down on every compiler this is built with. */
    return gain_from + ((step * (int64_t)frame) >> 24);
}

int32_t lku_mix_ramp_gain(int32_t gain_from, int32_t gain, uint32_t ramp_length, uint32_t frame) {
    const lku_mix_input input = {NULL, gain, gain_from, ramp_length, 0, NULL};
    if (frame >= ramp_length)
        return gain;
    return (int32_t)ramp_at(gain_from, ramp_step(&input), frame);
}

/* `sign` is 1 to add and -1 to subtract. */
LKU_INLINE void add_ramp(int64_t *sum, const lku_s16 *samples, const lku_mix_input *input, size_t first_frame,
                         size_t samples_per_channel, size_t num_channels, int64_t sign) {
    const int64_t step = ramp_step(input);
    for (size_t k = 0; k < samples_per_channel; k++) {
        const int64_t gain = sign * ramp_at(input->gain_from, step, first_frame + k);
        for (size_t channel = 0; channel < num_channels; channel++)
            sum[k * num_channels + channel] += samples[k * num_channels + channel] * gain;
    }
}

/* Adds samples with two gains in turn. */
LKU_INLINE void add_run(lku_simd simd, int64_t *sum, const lku_s16 *samples, size_t n, int32_t even, int32_t odd,
                        int64_t sign) {
    size_t i = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        i = lku_mix_add_avx2(sum, samples, n, even, odd, sign < 0);
#else
    (void)simd;
#endif
    for (; i + 2 <= n; i += 2) {
        sum[i] += samples[i] * (sign * even);
        sum[i + 1] += samples[i + 1] * (sign * odd);
    }
    if (i < n)
        sum[i] += samples[i] * (sign * even);
}

/* Adds an input with a shape. */
LKU_INLINE void add_shaped(lku_simd simd, int64_t *LKU_RESTRICT sum, const lku_s16 *samples,
                           const lku_mix_input *input, size_t start, size_t frames, size_t num_channels,
                           int64_t sign) {
    const lku_ramp plain =
        lku_ramp_make(input->gain_from, input->gain, input->ramp_length, (int64_t)input->ramp_position);
    const lku_mix_shape *shape = input->shape;
    size_t k = 0;
    for (; k < frames; k++) {
        const int64_t frame = (int64_t)(start + k);
        if (k % SHAPE_STEP == 0 && plain.position + frame >= plain.length && !lku_mix_shape_is_moving(shape, frame))
            break;
        const int64_t gain = lku_mix_shape_gain(shape, lku_ramp_at(&plain, frame), frame);
        for (size_t channel = 0; channel < num_channels; channel++) {
            const size_t i = k * num_channels + channel;
            sum[i] += samples[i] * (sign * lku_mix_shape_channel(shape, gain, frame, num_channels, channel));
        }
    }
    const int64_t frame = (int64_t)(start + k);
    const int64_t gain = lku_mix_shape_gain(shape, input->gain, frame);
    const size_t first = k * num_channels;
    const int32_t even = lku_mix_shape_channel(shape, gain, frame, num_channels, 0);
    const int32_t odd = lku_mix_shape_channel(shape, gain, frame, num_channels, 1);
    add_run(simd, sum + first, samples + first, frames * num_channels - first, even, odd, sign);
}

/* Adds `frames` frames of every input from frame `start` on, each with its gain. */
LKU_INLINE void add_gain(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t start, size_t frames,
                         size_t num_channels, int64_t *LKU_RESTRICT sum, int64_t sign) {
    for (size_t j = 0; j < num_inputs; j++) {
        const lku_mix_input *input = &inputs[j];
        const lku_s16 *samples = input->samples + start * num_channels;
        if (input->shape != NULL) {
            add_shaped(simd, sum, samples, input, start, frames, num_channels, sign);
            continue;
        }
        size_t ramp = 0;
        const size_t position = input->ramp_position + start;
        if (input->ramp_length > position) {
            ramp = lku_min_size(input->ramp_length - position, frames);
            add_ramp(sum, samples, input, position, ramp, num_channels, sign);
        }
        const size_t first = ramp * num_channels;
        add_run(simd, sum + first, samples + first, frames * num_channels - first, input->gain, input->gain, sign);
    }
}

/* `sum` has half of LKU_GAIN_UNITY in it already, for the rounding. */
LKU_INLINE void saturate(const int64_t *LKU_RESTRICT sum, size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        /* Clamped before the shift: these limits are exactly where the shifted value leaves int16. */
        const int64_t low = (int64_t)LKU_S16_MIN * LKU_GAIN_UNITY;
        const int64_t high = ((int64_t)LKU_S16_MAX + 1) * LKU_GAIN_UNITY - 1;
        const int64_t value = sum[i] < low ? low : sum[i] > high ? high : sum[i];
        out[i] = (int16_t)(value >> LKU_GAIN_BITS);
    }
}

LKU_INLINE void mix_gain_body(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                              size_t num_channels, size_t frames_per_tile, int64_t *LKU_RESTRICT sum,
                              lku_s16 *LKU_RESTRICT out) {
    for (size_t start = 0; start < samples_per_channel; start += frames_per_tile) {
        const size_t frames = lku_min_size(samples_per_channel - start, frames_per_tile);
        const size_t n = frames * num_channels;
        for (size_t i = 0; i < n; i++)
            sum[i] = HALF;
        add_gain(simd, inputs, num_inputs, start, frames, num_channels, sum, 1);
        saturate(sum, n, out + start * num_channels);
    }
}

LKU_KERNEL_VARIANTS(mix_gain,
                    (lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                     size_t num_channels, size_t frames_per_tile, int64_t *LKU_RESTRICT sum, lku_s16 *LKU_RESTRICT out),
                    (simd, inputs, num_inputs, samples_per_channel, num_channels, frames_per_tile, sum, out))

static bool all_unity(const lku_mix_input *inputs, size_t num_inputs) {
    for (size_t i = 0; i < num_inputs; i++)
        if (inputs[i].gain != LKU_GAIN_UNITY || inputs[i].ramp_length != 0 || inputs[i].shape != NULL)
            return false;
    return true;
}

void lku_mix_s16(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                 size_t num_channels, lku_s16 *out) {
    if (num_inputs <= MAX_INPUTS_S32 && all_unity(inputs, num_inputs)) {
        const size_t num_samples = samples_per_channel * num_channels;
        size_t done = 0;
#if LKU_HAS_TARGETS
        done = lku_mix_pairs(simd, inputs, num_inputs, num_samples, out);
#endif
        if (done < num_samples)
            LKU_KERNEL_CALL(mix_unity, simd, (inputs, num_inputs, done, num_samples, out));
    } else {
        int64_t sum[GAIN_TILE];
        LKU_KERNEL_CALL(mix_gain, simd,
                        (simd, inputs, num_inputs, samples_per_channel, num_channels, GAIN_TILE / num_channels, sum,
                         out));
    }
}

LKU_INLINE void sum_unity_body(const lku_mix_input *inputs, size_t num_inputs, size_t num_samples,
                               int64_t *LKU_RESTRICT sum) {
    int32_t part[TILE];

    for (size_t start = 0; start < num_samples; start += TILE) {
        const size_t n = lku_min_size(num_samples - start, TILE);
        add_unity(inputs, num_inputs, start, n, part);
        for (size_t i = 0; i < n; i++)
            sum[start + i] = (int64_t)part[i] * LKU_GAIN_UNITY;
    }
}

LKU_KERNEL_VARIANTS(sum_unity,
                    (const lku_mix_input *inputs, size_t num_inputs, size_t num_samples, int64_t *LKU_RESTRICT sum),
                    (inputs, num_inputs, num_samples, sum))

LKU_INLINE void sum_gain_body(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                              size_t num_channels, size_t frames_per_tile, int64_t *LKU_RESTRICT sum) {
    for (size_t start = 0; start < samples_per_channel; start += frames_per_tile) {
        const size_t frames = lku_min_size(samples_per_channel - start, frames_per_tile);
        int64_t *tile = sum + start * num_channels;
        for (size_t i = 0; i < frames * num_channels; i++)
            tile[i] = 0;
        add_gain(simd, inputs, num_inputs, start, frames, num_channels, tile, 1);
    }
}

LKU_KERNEL_VARIANTS(sum_gain,
                    (lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                     size_t num_channels, size_t frames_per_tile, int64_t *LKU_RESTRICT sum),
                    (simd, inputs, num_inputs, samples_per_channel, num_channels, frames_per_tile, sum))

void lku_mix_sum(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                 size_t num_channels, int64_t *sum) {
    if (num_inputs <= MAX_INPUTS_S32 && all_unity(inputs, num_inputs))
        LKU_KERNEL_CALL(sum_unity, simd, (inputs, num_inputs, samples_per_channel * num_channels, sum));
    else
        LKU_KERNEL_CALL(sum_gain, simd,
                        (simd, inputs, num_inputs, samples_per_channel, num_channels, GAIN_TILE / num_channels, sum));
}

LKU_INLINE void rest_body(lku_simd simd, const int64_t *LKU_RESTRICT sum, const lku_mix_input *inputs,
                          size_t num_inputs, size_t samples_per_channel, size_t num_channels, size_t frames_per_tile,
                          int64_t *LKU_RESTRICT rest) {
    for (size_t start = 0; start < samples_per_channel; start += frames_per_tile) {
        const size_t frames = lku_min_size(samples_per_channel - start, frames_per_tile);
        const size_t first = start * num_channels;
        for (size_t i = 0; i < frames * num_channels; i++)
            rest[first + i] = sum[first + i];
        add_gain(simd, inputs, num_inputs, start, frames, num_channels, rest + first, -1);
    }
}

LKU_KERNEL_VARIANTS(rest,
                    (lku_simd simd, const int64_t *LKU_RESTRICT sum, const lku_mix_input *inputs, size_t num_inputs,
                     size_t samples_per_channel, size_t num_channels, size_t frames_per_tile,
                     int64_t *LKU_RESTRICT rest),
                    (simd, sum, inputs, num_inputs, samples_per_channel, num_channels, frames_per_tile, rest))

void lku_mix_rest(lku_simd simd, const int64_t *sum, const lku_mix_input *inputs, size_t num_inputs,
                  size_t samples_per_channel, size_t num_channels, int64_t *rest) {
    LKU_KERNEL_CALL(rest, simd,
                    (simd, sum, inputs, num_inputs, samples_per_channel, num_channels, GAIN_TILE / num_channels, rest));
}

LKU_INLINE void less_body(lku_simd simd, const int64_t *LKU_RESTRICT sum, const lku_mix_input *inputs,
                          size_t num_inputs, size_t samples_per_channel, size_t num_channels, size_t frames_per_tile,
                          int64_t *LKU_RESTRICT tile, lku_s16 *LKU_RESTRICT out) {
    for (size_t start = 0; start < samples_per_channel; start += frames_per_tile) {
        const size_t frames = lku_min_size(samples_per_channel - start, frames_per_tile);
        const size_t n = frames * num_channels, first = start * num_channels;
        for (size_t i = 0; i < n; i++)
            tile[i] = sum[first + i] + HALF;
        add_gain(simd, inputs, num_inputs, start, frames, num_channels, tile, -1);
        saturate(tile, n, out + first);
    }
}

LKU_KERNEL_VARIANTS(less,
                    (lku_simd simd, const int64_t *LKU_RESTRICT sum, const lku_mix_input *inputs, size_t num_inputs,
                     size_t samples_per_channel, size_t num_channels, size_t frames_per_tile,
                     int64_t *LKU_RESTRICT tile, lku_s16 *LKU_RESTRICT out),
                    (simd, sum, inputs, num_inputs, samples_per_channel, num_channels, frames_per_tile, tile, out))

void lku_mix_less(lku_simd simd, const int64_t *sum, const lku_mix_input *inputs, size_t num_inputs,
                  size_t samples_per_channel, size_t num_channels, lku_s16 *out) {
    int64_t tile[GAIN_TILE];
    LKU_KERNEL_CALL(less, simd,
                    (simd, sum, inputs, num_inputs, samples_per_channel, num_channels, GAIN_TILE / num_channels, tile,
                     out));
}
