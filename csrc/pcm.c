#include "pcm.h"

#include <string.h>

#include "convert.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "expected a little-endian host"
#endif

/* Values at any address. */
typedef uint16_t LKU_ANYWHERE any_u16;
typedef uint32_t LKU_ANYWHERE any_u32;
typedef double LKU_ANYWHERE any_f64;

/* Samples at a time: their saturated values are counted in 32 bits, and big-endian floats turned on the stack. */
enum { TILE = 1024 };

LKU_INLINE uint16_t swapped16(uint16_t value) {
    return (uint16_t)((value << 8) | (value >> 8));
}

LKU_INLINE uint32_t swapped32(uint32_t value) {
    return (value << 24) | ((value & 0xFF00u) << 8) | ((value >> 8) & 0xFF00u) | (value >> 24);
}

/* The upper 16 of 32 bits, rounded; 32768 where that is beyond int16. */
LKU_INLINE int32_t rounded32(int32_t value) {
    const int32_t whole = value >> 16, rest = value & 0xFFFF;
    return whole + (rest + (whole & 1) > 0x8000);
}

LKU_INLINE uint32_t store(int32_t value, lku_s16 *out) {
    const uint32_t is_over = value > LKU_S16_MAX;
    *out = (int16_t)(value - (int32_t)is_over);
    return is_over;
}

LKU_INLINE uint64_t store_f64(double value, lku_s16 *out) {
    const double magic = 6755399441055744.0; /* 1.5 * 2^52: as in convert.c, adding it rounds */

    value *= 32768.0;
    const uint64_t fits = (uint64_t)(value >= -32768.5) & (uint64_t)(value < 32767.5);
    value = value == value ? value : 0.0;
    value = value < -32768.0 ? -32768.0 : value;
    value = value > 32767.0 ? 32767.0 : value;
    *out = (int16_t)(int32_t)((value + magic) - magic);
    return 1 - fits;
}

LKU_INLINE void s16be_body(const uint8_t *in, size_t num_samples, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        ((any_u16 *)out)[i] = swapped16(((const any_u16 *)in)[i]);
}

LKU_INLINE void u8_to_s16_body(const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        out[i] = (int16_t)(uint16_t)((in[i] ^ 0x80) << 8);
}

LKU_INLINE void s24_to_s16_body(const uint8_t *in, size_t num_samples, size_t low, size_t high,
                                lku_s16 *LKU_RESTRICT out, uint32_t *clipped) {
    uint32_t count = 0;
    for (size_t i = 0; i < num_samples; i++) {
        const uint8_t *sample = in + 3 * i;
        const uint32_t bits = (uint32_t)sample[low] << 8 | (uint32_t)sample[1] << 16 | (uint32_t)sample[high] << 24;
        count += store(rounded32((int32_t)bits), out + i);
    }
    *clipped = count;
}

LKU_INLINE void s32_to_s16_body(const uint8_t *in, size_t num_samples, int is_swapped, lku_s16 *LKU_RESTRICT out,
                                uint32_t *clipped) {
    uint32_t count = 0;
    for (size_t i = 0; i < num_samples; i++) {
        const uint32_t bits = ((const any_u32 *)in)[i];
        count += store(rounded32((int32_t)(is_swapped ? swapped32(bits) : bits)), out + i);
    }
    *clipped = count;
}

LKU_INLINE void swap32_body(const uint8_t *in, size_t num_samples, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        ((any_u32 *)out)[i] = swapped32(((const any_u32 *)in)[i]);
}

LKU_INLINE void f64_to_s16_body(const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out, uint32_t *clipped) {
    uint64_t count = 0;
    for (size_t i = 0; i < num_samples; i++)
        count += store_f64(((const any_f64 *)in)[i], out + i);
    *clipped = (uint32_t)count;
}

LKU_INLINE void s16_to_u8_body(const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out, uint32_t *clipped) {
    uint32_t count = 0;
    for (size_t i = 0; i < num_samples; i++) {
        const int32_t whole = in[i] >> 8, rest = in[i] & 0xFF;
        const int32_t value = whole + (rest + (whole & 1) > 0x80) + 128;
        const int32_t is_over = value > 255;
        out[i] = (uint8_t)(value - is_over);
        count += (uint32_t)is_over;
    }
    *clipped = count;
}

LKU_INLINE void s16_to_s24_body(const lku_s16 *in, size_t num_samples, size_t low, size_t high,
                                uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        const uint16_t bits = (uint16_t)in[i];
        out[3 * i + low] = 0;
        out[3 * i + 1] = (uint8_t)bits;
        out[3 * i + high] = (uint8_t)(bits >> 8);
    }
}

LKU_INLINE void s16_to_s32_body(const lku_s16 *in, size_t num_samples, int is_swapped, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++) {
        const uint32_t bits = (uint32_t)(uint16_t)in[i] << 16;
        ((any_u32 *)out)[i] = is_swapped ? swapped32(bits) : bits;
    }
}

LKU_INLINE void s16_to_f64_body(const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out) {
    for (size_t i = 0; i < num_samples; i++)
        ((any_f64 *)out)[i] = in[i] * (1.0 / 32768.0);
}

/* The loop of each encoding by itself: the encoding is a constant in it. */
LKU_INLINE void to_s16_body(lku_pcm encoding, const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out,
                            uint32_t *clipped) {
    switch (encoding) {
    case LKU_PCM_S16BE: s16be_body(in, num_samples, (uint8_t *)out); break;
    case LKU_PCM_S24LE: s24_to_s16_body(in, num_samples, 0, 2, out, clipped); break;
    case LKU_PCM_S24BE: s24_to_s16_body(in, num_samples, 2, 0, out, clipped); break;
    case LKU_PCM_S32LE: s32_to_s16_body(in, num_samples, 0, out, clipped); break;
    case LKU_PCM_S32BE: s32_to_s16_body(in, num_samples, 1, out, clipped); break;
    case LKU_PCM_U8: u8_to_s16_body(in, num_samples, out); break;
    case LKU_PCM_F64LE: f64_to_s16_body(in, num_samples, out, clipped); break;
    case LKU_PCM_F32LE: /* convert.c's */
    case LKU_PCM_F32BE:
    case LKU_PCM_S16LE:
    case LKU_PCM_NUM_ENCODINGS:
    default: memcpy(out, in, num_samples * sizeof(int16_t)); break;
    }
}

LKU_INLINE void from_s16_body(lku_pcm encoding, const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out,
                              uint32_t *clipped) {
    switch (encoding) {
    case LKU_PCM_S16BE: s16be_body((const uint8_t *)in, num_samples, out); break;
    case LKU_PCM_S24LE: s16_to_s24_body(in, num_samples, 0, 2, out); break;
    case LKU_PCM_S24BE: s16_to_s24_body(in, num_samples, 2, 0, out); break;
    case LKU_PCM_S32LE: s16_to_s32_body(in, num_samples, 0, out); break;
    case LKU_PCM_S32BE: s16_to_s32_body(in, num_samples, 1, out); break;
    case LKU_PCM_U8: s16_to_u8_body(in, num_samples, out, clipped); break;
    case LKU_PCM_F64LE: s16_to_f64_body(in, num_samples, out); break;
    case LKU_PCM_F32LE: /* convert.c's */
    case LKU_PCM_F32BE:
    case LKU_PCM_S16LE:
    case LKU_PCM_NUM_ENCODINGS:
    default: memcpy(out, in, num_samples * sizeof(int16_t)); break;
    }
}

LKU_KERNEL_VARIANTS(to_s16,
                    (lku_pcm encoding, const uint8_t *in, size_t num_samples, lku_s16 *LKU_RESTRICT out,
                     uint32_t *clipped),
                    (encoding, in, num_samples, out, clipped))
LKU_KERNEL_VARIANTS(from_s16,
                    (lku_pcm encoding, const lku_s16 *in, size_t num_samples, uint8_t *LKU_RESTRICT out,
                     uint32_t *clipped),
                    (encoding, in, num_samples, out, clipped))

LKU_KERNEL_VARIANTS(swap32, (const uint8_t *in, size_t num_samples, uint8_t *LKU_RESTRICT out), (in, num_samples, out))

size_t lku_pcm_num_bytes(lku_pcm encoding) {
    static const uint8_t num_bytes[] = {2, 2, 3, 3, 4, 4, 1, 4, 4, 8};
    return num_bytes[encoding];
}

static size_t tile_to_s16(lku_simd simd, lku_pcm encoding, const uint8_t *in, size_t num_samples, lku_s16 *out) {
    uint32_t clipped = 0;
    if (encoding == LKU_PCM_F32BE) {
        float turned[TILE];
        LKU_KERNEL_CALL(swap32, simd, (in, num_samples, (uint8_t *)turned));
        return lku_f32_to_s16(simd, turned, num_samples, out);
    }
    LKU_KERNEL_CALL(to_s16, simd, (encoding, in, num_samples, out, &clipped));
    return clipped;
}

static size_t tile_from_s16(lku_simd simd, lku_pcm encoding, const lku_s16 *in, size_t num_samples, uint8_t *out) {
    uint32_t clipped = 0;
    if (encoding == LKU_PCM_F32BE) {
        float turned[TILE];
        lku_s16_to_f32(simd, in, num_samples, turned);
        LKU_KERNEL_CALL(swap32, simd, ((const uint8_t *)turned, num_samples, out));
        return 0;
    }
    LKU_KERNEL_CALL(from_s16, simd, (encoding, in, num_samples, out, &clipped));
    return clipped;
}

size_t lku_pcm_to_s16(lku_simd simd, lku_pcm encoding, const uint8_t *in, size_t num_samples, lku_s16 *out) {
    const size_t num_bytes = lku_pcm_num_bytes(encoding);
    size_t total = 0;
    if (encoding == LKU_PCM_F32LE)
        return lku_f32_to_s16(simd, (const lku_f32 *)in, num_samples, out);
    for (size_t start = 0; start < num_samples; start += TILE)
        total += tile_to_s16(simd, encoding, in + start * num_bytes, lku_min_size(num_samples - start, TILE),
                             out + start);
    return total;
}

size_t lku_pcm_from_s16(lku_simd simd, lku_pcm encoding, const lku_s16 *in, size_t num_samples, uint8_t *out) {
    const size_t num_bytes = lku_pcm_num_bytes(encoding);
    size_t total = 0;
    if (encoding == LKU_PCM_F32LE) {
        lku_s16_to_f32(simd, in, num_samples, (lku_f32 *)out);
        return 0;
    }
    for (size_t start = 0; start < num_samples; start += TILE)
        total += tile_from_s16(simd, encoding, in + start, lku_min_size(num_samples - start, TILE),
                               out + start * num_bytes);
    return total;
}
