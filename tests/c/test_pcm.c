#include <math.h>

#include "pcm.h"
#include "testing.h"

enum { ROUNDS = 300 };

static double random_value(void) {
    static const double special[] = {1.0, -1.0, 0.0, 1e-300, 1e300, -1e300, 255.99998, 32767.5 / 32768, -32768.5 / 32768};
    switch (random_below(4)) {
    case 0: return special[random_below(sizeof special / sizeof *special)];
    case 1: return random_below(2) ? (double)NAN : random_below(2) ? (double)INFINITY : -(double)INFINITY;
    case 2: return ((double)random_below(140000) - 70000.0) / 65536.0; /* ties */
    default: return ((double)random_below(1 << 24) / (double)(1 << 23) - 1.0) * 1.1;
    }
}

/* A sample of the encoding, and its value at full scale 1. */
static double put_random(lku_pcm encoding, uint8_t *to) {
    uint64_t bits = random_u64();
    if (random_below(2)) /* near a tie, or full scale */
        bits = (bits & 0xFFFF00FF00000000u) | (random_below(2) ? 0x7FFF7FFFu : 0x80008000u);
    const uint32_t high = (uint32_t)(bits >> 32) ^ (uint32_t)bits;
    double value = random_value();
    const float single = (float)value;
    uint32_t word = high;
    size_t num_bytes = lku_pcm_num_bytes(encoding);
    int is_big = 0;

    switch (encoding) {
    case LKU_PCM_U8: to[0] = (uint8_t)high; return (to[0] - 128) / 128.0;
    case LKU_PCM_F64LE: memcpy(to, &value, sizeof value); return value;
    case LKU_PCM_F32BE:
    case LKU_PCM_F32LE: memcpy(&word, &single, sizeof word); value = (double)single; break;
    case LKU_PCM_S16LE:
    case LKU_PCM_S16BE: value = (int16_t)high / 32768.0; break;
    case LKU_PCM_S24LE:
    case LKU_PCM_S24BE: value = (double)((int32_t)(high << 8) >> 8) / 8388608.0; break;
    case LKU_PCM_S32LE:
    case LKU_PCM_S32BE: value = (int32_t)high / 2147483648.0; break;
    case LKU_PCM_NUM_ENCODINGS: break;
    }
    is_big = encoding == LKU_PCM_S16BE || encoding == LKU_PCM_S24BE || encoding == LKU_PCM_S32BE || encoding == LKU_PCM_F32BE;
    for (size_t i = 0; i < num_bytes; i++)
        to[is_big ? num_bytes - 1 - i : i] = (uint8_t)(word >> (8 * i));
    return value;
}

static int32_t plain_s16(double value, size_t *clipped) {
    const double rounded = isnan(value) ? 0.0 : rint(value * 32768.0);
    *clipped += isnan(value) || rounded < -32768.0 || rounded > 32767.0;
    return rounded < -32768.0 ? -32768 : rounded > 32767.0 ? 32767 : (int32_t)rounded;
}

static void test_to_s16(lku_pcm encoding, size_t num_samples) {
    const size_t num_bytes = lku_pcm_num_bytes(encoding);
    block in = make_block(num_samples * num_bytes), expected = make_block(num_samples * sizeof(int16_t));
    size_t clipped = 0;
    for (size_t i = 0; i < num_samples; i++) {
        const double value = put_random(encoding, (uint8_t *)in.data + i * num_bytes);
        ((lku_s16 *)expected.data)[i] = (int16_t)plain_s16(value, &clipped);
    }
    FOR_EACH_SIMD(simd) {
        block out = make_block(num_samples * sizeof(int16_t));
        const size_t got = lku_pcm_to_s16(simd, encoding, in.data, num_samples, out.data);
        CHECK(got == clipped, "encoding %d, level %d: %zu clipped, not %zu", (int)encoding, (int)simd, got, clipped);
        for (size_t i = 0; i < num_samples; i++)
            CHECK(((lku_s16 *)out.data)[i] == ((lku_s16 *)expected.data)[i], "encoding %d, level %d: sample %zu is %d, not %d",
                  (int)encoding, (int)simd, i, ((lku_s16 *)out.data)[i], ((lku_s16 *)expected.data)[i]);
        drop_block(out);
    }
    drop_block(in);
    drop_block(expected);
}

static void test_there_and_back(lku_pcm encoding, size_t num_samples) {
    block in = make_noise(num_samples);
    const size_t num_bytes = lku_pcm_num_bytes(encoding);
    FOR_EACH_SIMD(simd) {
        block there = make_block(num_samples * num_bytes), back = make_block(num_samples * sizeof(int16_t));
        size_t clipped = 0;
        const size_t got = lku_pcm_from_s16(simd, encoding, in.data, num_samples, there.data);
        lku_pcm_to_s16(simd, encoding, there.data, num_samples, back.data);
        for (size_t i = 0; i < num_samples; i++) {
            const int16_t sample = ((lku_s16 *)in.data)[i];
            int32_t expected = sample;
            if (encoding == LKU_PCM_U8) {
                const double rounded = rint(sample / 256.0);
                clipped += rounded > 127.0;
                expected = 256 * (int32_t)(rounded > 127.0 ? 127.0 : rounded);
            }
            CHECK(((lku_s16 *)back.data)[i] == expected, "encoding %d, level %d: %d became %d", (int)encoding, (int)simd,
                  sample, ((lku_s16 *)back.data)[i]);
        }
        CHECK(got == clipped, "encoding %d, level %d: %zu clipped, not %zu", (int)encoding, (int)simd, got, clipped);
        drop_block(there);
        drop_block(back);
    }
    drop_block(in);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (lku_pcm encoding = 0; encoding < LKU_PCM_NUM_ENCODINGS; encoding++) {
            test_to_s16(encoding, random_size(2500));
            test_there_and_back(encoding, random_size(2500));
        }
    return 0;
}
