#include "limiter.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "mix.h"

enum { TILE_FRAMES = 256, KEPT_BITS = 8, REDUCTION_BITS = 30 };

size_t lku_limiter_num_values(size_t num_channels, size_t look_ahead) {
    return (look_ahead - 1 + TILE_FRAMES) * num_channels + 3 * look_ahead;
}

void lku_limiter_init(lku_limiter *state, size_t num_channels, int32_t ceiling, size_t look_ahead,
                      double release_frames, int32_t *memory) {
    const double lost = 4294967296.0 * -expm1(-1.0 / release_frames);
    const lku_limiter made = {
        .num_channels = num_channels,
        .look_ahead = look_ahead,
        .limit = ceiling * (1 << KEPT_BITS) + (1 << (KEPT_BITS - 1)) - 1,
        .release = (uint32_t)llround(lost),
        .reciprocal = (((uint64_t)1 << 32) + look_ahead - 1) / look_ahead,
        .delayed = memory,
        .smoothed = (uint32_t *)memory + (look_ahead - 1 + TILE_FRAMES) * num_channels,
    };
    *state = made;
    state->peaks = state->smoothed + look_ahead;
    state->peak_at = state->peaks + look_ahead;
}

/* How far a value is from zero, without overflow: that of -1 is 0, as a negative value is rounded up. */
LKU_INLINE int32_t distance(int32_t value) {
    return value < 0 ? ~value : value;
}

LKU_INLINE int32_t greater(int32_t a, int32_t b) {
    return a > b ? a : b;
}

/* Writes the sums with KEPT_BITS fractional bits; returns the greatest distance. */
LKU_INLINE void take_body(const int64_t *LKU_RESTRICT sums, size_t num_values, int32_t *LKU_RESTRICT out,
                          int32_t *LKU_RESTRICT greatest) {
    const int64_t most = (((int64_t)INT32_MAX + 1) << (LKU_GAIN_BITS - KEPT_BITS)) - 1;
    int32_t peak = 0;
    for (size_t i = 0; i < num_values; i++) {
        const int64_t low = sums[i] < -most - 1 ? -most - 1 : sums[i];
        const int64_t clipped = low > most ? most : low;
        /* After clipping, the upper bits are copies of the sign: a shift without a sign gives the same 32 bits. */
        const int32_t value = (int32_t)(uint32_t)((uint64_t)clipped >> (LKU_GAIN_BITS - KEPT_BITS));
        out[i] = value;
        peak = greater(peak, distance(value));
    }
    *greatest = peak;
}

LKU_KERNEL_VARIANTS(take,
                    (const int64_t *LKU_RESTRICT sums, size_t num_values, int32_t *LKU_RESTRICT out,
                     int32_t *LKU_RESTRICT greatest),
                    (sums, num_values, out, greatest))

/* Values within the limit, to which no reduction applies. */
LKU_INLINE void round_body(const int32_t *LKU_RESTRICT values, size_t num_values, lku_s16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_values; i++)
        out[i] = lku_sat_s16((values[i] + (1 << (KEPT_BITS - 1))) >> KEPT_BITS);
}

LKU_KERNEL_VARIANTS(round, (const int32_t *LKU_RESTRICT values, size_t num_values, lku_s16 *LKU_RESTRICT out),
                    (values, num_values, out))

LKU_INLINE int16_t reduced(int32_t value, uint32_t gain) {
    const int64_t half = (int64_t)1 << (KEPT_BITS + REDUCTION_BITS - 1);
    const int64_t product = (int64_t)value * (int32_t)gain + half;
    /* The upper half, then the rest of the shift: no instruction set shifts 64 bits with their sign at once. */
    return lku_sat_s16((int32_t)(uint32_t)((uint64_t)product >> 32) >> (KEPT_BITS + REDUCTION_BITS - 32));
}

LKU_INLINE void reduce_body(const int32_t *LKU_RESTRICT values, const uint32_t *LKU_RESTRICT gains, size_t num_frames,
                            size_t num_channels, lku_s16 *LKU_RESTRICT out) {
    if (num_channels == 1) {
        for (size_t k = 0; k < num_frames; k++)
            out[k] = reduced(values[k], gains[k]);
    } else if (num_channels == 2) {
        for (size_t k = 0; k < num_frames; k++) {
            out[2 * k] = reduced(values[2 * k], gains[k]);
            out[2 * k + 1] = reduced(values[2 * k + 1], gains[k]);
        }
    } else {
        for (size_t k = 0; k < num_frames; k++)
            for (size_t i = k * num_channels; i < (k + 1) * num_channels; i++)
                out[i] = reduced(values[i], gains[k]);
    }
}

LKU_KERNEL_VARIANTS(reduce,
                    (const int32_t *LKU_RESTRICT values, const uint32_t *LKU_RESTRICT gains, size_t num_frames,
                     size_t num_channels, lku_s16 *LKU_RESTRICT out),
                    (values, gains, num_frames, num_channels, out))

/* The reduction that brings the loudest channel of each frame to the limit, rounded up. */
LKU_INLINE void need_body(const int32_t *LKU_RESTRICT values, size_t num_frames, size_t num_channels, int32_t limit,
                          uint32_t *LKU_RESTRICT needs) {
    int32_t peaks[TILE_FRAMES];
    for (size_t k = 0; k < num_frames; k++)
        peaks[k] = limit;
    if (num_channels == 2)
        for (size_t k = 0; k < num_frames; k++)
            peaks[k] = greater(greater(peaks[k], distance(values[2 * k])), distance(values[2 * k + 1]));
    else
        for (size_t k = 0; k < num_frames; k++)
            for (size_t i = k * num_channels; i < (k + 1) * num_channels; i++)
                peaks[k] = greater(peaks[k], distance(values[i]));
    /* limit has 24 bits at most, so that this is exact. */
    const double scaled = limit * (double)LKU_LIMITER_UNITY;
    for (size_t k = 0; k < num_frames; k++) {
        /* A quotient just below an integer may have been rounded to it. */
        const uint64_t gain = (uint64_t)(int32_t)(scaled / peaks[k]);
        const uint64_t above = gain * (uint64_t)peaks[k] > (uint64_t)limit << REDUCTION_BITS;
        needs[k] = LKU_LIMITER_UNITY - (uint32_t)(gain - above);
    }
}

LKU_KERNEL_VARIANTS(need,
                    (const int32_t *LKU_RESTRICT values, size_t num_frames, size_t num_channels, int32_t limit,
                     uint32_t *LKU_RESTRICT needs),
                    (values, num_frames, num_channels, limit, needs))

LKU_INLINE size_t in_ring(const lku_limiter *state, size_t place) {
    return place < state->look_ahead ? place : place - state->look_ahead;
}

/* The greatest need of the last L frames, the newest of which is `need`. */
LKU_INLINE uint32_t hold(lku_limiter *state, uint32_t need) {
    if (state->num_peaks > 0 && state->now - state->peak_at[state->first] >= state->look_ahead) {
        state->first = in_ring(state, state->first + 1);
        state->num_peaks--;
    }
    if (need > 0) {
        while (state->num_peaks > 0 && state->peaks[in_ring(state, state->first + state->num_peaks - 1)] <= need)
            state->num_peaks--;
        const size_t end = in_ring(state, state->first + state->num_peaks++);
        state->peaks[end] = need;
        state->peak_at[end] = state->now;
    }
    state->now++;
    return state->num_peaks > 0 ? state->peaks[state->first] : 0;
}

/* The next value of `falling`: it reaches 0 exactly. */
LKU_INLINE uint32_t fall(const lku_limiter *state, uint32_t held) {
    const uint32_t last = state->falling;
    const uint32_t lost = (uint32_t)(((uint64_t)last * state->release) >> 32) + 1;
    const uint32_t left = last > lost ? last - lost : 0;
    return held > left ? held : left;
}

/* Replaces each need by the gain of the frame that leaves the limiter. */
static void smooth(lku_limiter *state, uint32_t *LKU_RESTRICT needs, size_t num_frames) {
    lku_limiter s = *state; /* in registers: what `s` points to cannot be a part of it */
    for (size_t k = 0; k < num_frames; k++) {
        s.falling = fall(&s, hold(&s, needs[k]));
        s.sum += s.falling;
        s.sum -= s.smoothed[s.place];
        s.smoothed[s.place] = s.falling;
        s.place = in_ring(&s, s.place + 1);
        /* The mean, rounded up by so little that the least ceiling leaves a gain above 0. */
        const uint32_t reduction = (uint32_t)((s.sum * s.reciprocal + UINT32_MAX) >> 32);
        s.most = reduction > s.most ? reduction : s.most;
        needs[k] = LKU_LIMITER_UNITY - reduction;
    }
    *state = s;
}

void lku_limiter_s16(lku_simd simd, lku_limiter *state, const int64_t *sums, size_t samples_per_channel,
                     lku_s16 *out) {
    const size_t num_channels = state->num_channels, num_delayed = (state->look_ahead - 1) * num_channels;
    state->most = 0;
    for (size_t start = 0; start < samples_per_channel; start += TILE_FRAMES) {
        const size_t num_frames = lku_min_size(samples_per_channel - start, TILE_FRAMES);
        const size_t num_values = num_frames * num_channels;
        int32_t *values = state->delayed + num_delayed;
        lku_s16 *to = out + start * num_channels;
        int32_t peak;
        LKU_KERNEL_CALL(take, simd, (sums + start * num_channels, num_values, values, &peak));
        /* At rest, all that is delayed is within the limit. */
        const bool rests = state->sum == 0 && state->num_peaks == 0;
        if (rests && peak <= state->limit) {
            LKU_KERNEL_CALL(round, simd, (state->delayed, num_values, to));
        } else {
            uint32_t gains[TILE_FRAMES];
            if (peak > state->limit)
                LKU_KERNEL_CALL(need, simd, (values, num_frames, num_channels, state->limit, gains));
            else
                memset(gains, 0, num_frames * sizeof *gains);
            smooth(state, gains, num_frames);
            LKU_KERNEL_CALL(reduce, simd, (state->delayed, gains, num_frames, num_channels, to));
        }
        memmove(state->delayed, state->delayed + num_values, num_delayed * sizeof *state->delayed);
    }
}
