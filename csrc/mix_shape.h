/* What may lie on an input of the mix besides its gain: factors that move on their own, and a place between left and
 * right.
 *
 * All numbers have LKU_GAIN_BITS (24) fractional bits. The gain of a channel is the product, rounded down after each
 * factor, and clamped to 32 bits:
 *
 *     gain * sine(fade) * factors[0] * ... * sides[channel]
 *
 * `sides` counts for two channels only. sine(x) is sin(pi / 2 * x): two inputs one of which fades in while the other
 * fades out have the same power together at any time.
 */
#ifndef LKU_MIX_SHAPE_H
#define LKU_MIX_SHAPE_H

#include <stdbool.h>

#include "s16.h"

#define LKU_MIX_NUM_FACTORS 2

/* A factor that moves from `from` to `value` in a straight line; made by lku_ramp_make. */
typedef struct lku_ramp {
    int32_t value;
    int32_t from;
    uint32_t length;  /* frames */
    int64_t step;     /* per frame, with 24 further fractional bits, so that a long ramp still ends where it should */
    int64_t position; /* how many frames have gone by; below 0: frames until it begins */
} lku_ramp;

typedef struct lku_mix_shape {
    lku_ramp fade; /* 0 to 1 */
    lku_ramp factors[LKU_MIX_NUM_FACTORS];
    lku_ramp sides[2]; /* left and right */
} lku_mix_shape;

LKU_INLINE lku_ramp lku_ramp_make(int32_t from, int32_t value, uint32_t length, int64_t position) {
    const int64_t step = length > 0 ? ((int64_t)value - from) * ((int64_t)1 << 24) / length : 0;
    const lku_ramp made = {value, from, length, step, position};
    return made;
}

/* The value at a frame from `position` on. */
LKU_INLINE int32_t lku_ramp_at(const lku_ramp *ramp, int64_t frame) {
    const int64_t at = ramp->position + frame;
    if (at >= (int64_t)ramp->length)
        return ramp->value;
    if (at <= 0)
        return ramp->from;
    return (int32_t)(ramp->from + ((ramp->step * at) >> 24));
}

/* sin(pi / 2 * x) for x from 0 to 1, within 1e-6: a polynomial of degree 7 that is exact at both ends, and differs
 * least in between. */
LKU_INLINE int64_t lku_mix_sine(int64_t x) {
    const int64_t square = (x * x) >> 24;
    int64_t y = 1332419 + ((-72522 * square) >> 24);
    y = -10836170 + ((y * square) >> 24);
    y = 26353489 + ((y * square) >> 24);
    y = (x * y) >> 24;
    return y > (1 << 24) ? 1 << 24 : y;
}

LKU_INLINE bool lku_mix_shape_is_moving(const lku_mix_shape *shape, int64_t frame) {
    bool moves = lku_ramp_at(&shape->fade, frame) != shape->fade.value;
    for (size_t i = 0; i < LKU_MIX_NUM_FACTORS; i++)
        moves |= lku_ramp_at(&shape->factors[i], frame) != shape->factors[i].value;
    for (size_t i = 0; i < 2; i++)
        moves |= lku_ramp_at(&shape->sides[i], frame) != shape->sides[i].value;
    return moves;
}

/* The product for all channels, without `sides`. */
LKU_INLINE int64_t lku_mix_shape_gain(const lku_mix_shape *shape, int64_t gain, int64_t frame) {
    gain = (gain * lku_mix_sine(lku_ramp_at(&shape->fade, frame))) >> 24;
    for (size_t i = 0; i < LKU_MIX_NUM_FACTORS; i++)
        gain = (gain * lku_ramp_at(&shape->factors[i], frame)) >> 24;
    return gain;
}

/* The gain of a channel, from that of all channels. */
LKU_INLINE int32_t lku_mix_shape_channel(const lku_mix_shape *shape, int64_t gain, int64_t frame, size_t num_channels,
                                         size_t channel) {
    if (num_channels == 2)
        gain = (gain * lku_ramp_at(&shape->sides[channel], frame)) >> 24;
    return (int32_t)(gain < INT32_MIN ? INT32_MIN : gain > INT32_MAX ? INT32_MAX : gain);
}

#endif
