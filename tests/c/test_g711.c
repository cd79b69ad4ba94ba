#include "g711.h"
#include "testing.h"

enum { ROUNDS = 500, NUM_VALUES = 65536 };

/* The decision and output values of G.711 in loops over the segments, in 14 and 13 bits. */
static int16_t plain_ulaw(uint8_t code) {
    int32_t value = 33 + 2 * (~code & 0x0F);
    for (int segment = 0; segment < ((~code >> 4) & 7); segment++)
        value *= 2;
    value = 4 * (value - 33);
    return (int16_t)(code & 0x80 ? value : -value);
}

static int16_t plain_alaw(uint8_t code) {
    const int segment = ((code ^ 0x55) >> 4) & 7;
    int32_t value = 1 + 2 * ((code ^ 0x55) & 0x0F) + (segment > 0 ? 32 : 0);
    for (int i = 1; i < segment; i++)
        value *= 2;
    value *= 8;
    return (int16_t)(code & 0x80 ? value : -value);
}

static uint8_t plain_from_ulaw(int16_t sample) {
    const int32_t value = (int32_t)floor_div(sample, 4);
    int32_t magnitude = (value < 0 ? -value : value) + 33;
    if (magnitude > 8191)
        magnitude = 8191;
    int segment = 0;
    while (magnitude >> segment >= 64)
        segment++;
    return (uint8_t)~((value < 0 ? 0x80 : 0) | segment << 4 | ((magnitude >> (segment + 1)) & 0x0F));
}

static uint8_t plain_from_alaw(int16_t sample) {
    const int32_t value = (int32_t)floor_div(sample, 8);
    const int32_t magnitude = value < 0 ? -value - 1 : value;
    int segment = 0;
    while (magnitude >> segment >= 32)
        segment++;
    const int shift = segment < 1 ? 1 : segment;
    return (uint8_t)(((value < 0 ? 0 : 0x80) | segment << 4 | ((magnitude >> shift) & 0x0F)) ^ 0x55);
}

typedef void decoder(lku_simd simd, const uint8_t *in, size_t num_samples, lku_s16 *out);
typedef void encoder(lku_simd simd, const lku_s16 *in, size_t num_samples, uint8_t *out);

static void test_decoder(decoder *decode, int16_t (*plain)(uint8_t), size_t num_samples) {
    block in = make_block(num_samples);
    for (size_t i = 0; i < num_samples; i++)
        ((uint8_t *)in.data)[i] = (uint8_t)random_below(256);
    FOR_EACH_SIMD(simd) {
        block out = make_block(num_samples * sizeof(int16_t));
        decode(simd, in.data, num_samples, out.data);
        for (size_t i = 0; i < num_samples; i++) {
            const uint8_t code = ((const uint8_t *)in.data)[i];
            const int16_t got = ((const lku_s16 *)out.data)[i];
            CHECK(got == plain(code), "level %d: %d became %d, not %d", (int)simd, code, got, plain(code));
        }
        drop_block(out);
    }
    drop_block(in);
}

static void test_encoder(encoder *encode, uint8_t (*plain)(int16_t), size_t num_samples, int is_every_value) {
    block in = make_noise(num_samples);
    for (size_t i = 0; is_every_value && i < num_samples; i++)
        ((lku_s16 *)in.data)[i] = (int16_t)((int32_t)i - 32768);
    FOR_EACH_SIMD(simd) {
        block out = make_block(num_samples);
        encode(simd, in.data, num_samples, out.data);
        for (size_t i = 0; i < num_samples; i++) {
            const int16_t sample = ((const lku_s16 *)in.data)[i];
            const uint8_t got = ((const uint8_t *)out.data)[i];
            CHECK(got == plain(sample), "level %d: %d became %d, not %d", (int)simd, sample, got, plain(sample));
        }
        drop_block(out);
    }
    drop_block(in);
}

int main(int argc, char **argv) {
    start(argc, argv);
    test_encoder(lku_s16_to_ulaw, plain_from_ulaw, NUM_VALUES, 1);
    test_encoder(lku_s16_to_alaw, plain_from_alaw, NUM_VALUES, 1);
    for (int round = 0; round < ROUNDS; round++) {
        test_decoder(lku_ulaw_to_s16, plain_ulaw, random_size(5000));
        test_decoder(lku_alaw_to_s16, plain_alaw, random_size(5000));
        test_encoder(lku_s16_to_ulaw, plain_from_ulaw, random_size(5000), 0);
        test_encoder(lku_s16_to_alaw, plain_from_alaw, random_size(5000), 0);
    }
    return 0;
}
