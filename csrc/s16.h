/* The sample type of every kernel, and the only clamp to it.
 *
 * `num_samples` counts int16 values, those of all channels; `samples_per_channel` counts those of one channel.
 *
 * A kernel is handed memory that somebody else allocated: a slice of a bytes object may well start at an odd
 * address. `lku_s16` is therefore an int16_t that may stand anywhere and may alias anything; on x86-64 and
 * aarch64 this costs nothing, because their vector loads take any address.
 */
#ifndef LKU_S16_H
#define LKU_S16_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LKU_ANYWHERE __attribute__((aligned(1), may_alias))
#define LKU_INLINE static inline __attribute__((always_inline))
#else
#define LKU_ANYWHERE
#define LKU_INLINE static inline
#endif

#if defined(_MSC_VER)
#define LKU_RESTRICT __restrict
#else
#define LKU_RESTRICT restrict
#endif

typedef int16_t LKU_ANYWHERE lku_s16;
typedef float LKU_ANYWHERE lku_f32;

enum { LKU_S16_MIN = -32768, LKU_S16_MAX = 32767 };

/* Saturates to -32768 ... 32767. */
LKU_INLINE int16_t lku_sat_s16(int32_t value) {
    return (int16_t)(value < LKU_S16_MIN ? LKU_S16_MIN : value > LKU_S16_MAX ? LKU_S16_MAX : value);
}

/* Returns the nearest whole number, ties to even, of one within 2^22 of 0. Unlike lrintf it becomes vectors. */
LKU_INLINE int32_t lku_nearest(float value) {
    const float shift = 12582912.0f; /* 1.5 * 2^23: above it, floats are whole numbers */
    return (int32_t)((value + shift) - shift);
}

LKU_INLINE size_t lku_min_size(size_t a, size_t b) {
    return a < b ? a : b;
}

#endif
