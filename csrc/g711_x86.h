/* The decoders of g711.c for AVX2, by hand, because compilers do not find that the tables fit a register.
 *
 * Mantissa and power of two are bytes, each looked up by four bits of the code. One multiply-add gives the negative of
 * the magnitude (in a signed byte, -128 fits and 128 does not), and the code's own sign bit, which is set for positive
 * samples, turns it over. The two ways must agree to the bit.
 *
 * Each function decodes whole steps of 32 samples and returns how many samples that were.
 */
#ifndef LKU_G711_X86_H
#define LKU_G711_X86_H

#include <immintrin.h>

#include "g711.h"

/* A table of 16 bytes, in both lanes. */
#define LKU_G711_TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))

/* As (char) makes a signed byte of 128 to 255. */
#define LKU_G711_BYTE(value) ((char)(value))

LKU_TARGET_AVX2 static size_t lku_ulaw_to_s16_avx2(const uint8_t *in, size_t num_samples, lku_s16 *out) {
    /* By the low four bits, which are complemented: (15 - bits) * 8 + 0x84. */
    const __m256i mantissas = LKU_G711_TABLE(
        LKU_G711_BYTE(252), LKU_G711_BYTE(244), LKU_G711_BYTE(236), LKU_G711_BYTE(228), LKU_G711_BYTE(220),
        LKU_G711_BYTE(212), LKU_G711_BYTE(204), LKU_G711_BYTE(196), LKU_G711_BYTE(188), LKU_G711_BYTE(180),
        LKU_G711_BYTE(172), LKU_G711_BYTE(164), LKU_G711_BYTE(156), LKU_G711_BYTE(148), LKU_G711_BYTE(140),
        LKU_G711_BYTE(132));
    /* By the high four bits, of which the first is the sign: -2^(7 - bits). */
    const __m256i powers =
        LKU_G711_TABLE(-128, -64, -32, -16, -8, -4, -2, -1, -128, -64, -32, -16, -8, -4, -2, -1);
    const __m256i four_bits = _mm256_set1_epi8(0x0F);
    const __m256i ones = _mm256_set1_epi8(1);
    const __m256i bias = _mm256_set1_epi8(LKU_G711_BYTE(0x84));
    const __m256i all = _mm256_set1_epi8(-1);
    size_t i = 0;

    for (; i + 32 <= num_samples; i += 32) {
        /* In such an order that unpacking within the lanes puts the samples in order. */
        const __m256i code = _mm256_permute4x64_epi64(_mm256_loadu_si256((const void *)(in + i)), 0xD8);
        const __m256i mantissa = _mm256_shuffle_epi8(mantissas, _mm256_and_si256(code, four_bits));
        const __m256i power = _mm256_shuffle_epi8(powers, _mm256_and_si256(_mm256_srli_epi16(code, 4), four_bits));
        const __m256i low = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(mantissa, bias), _mm256_unpacklo_epi8(power, ones));
        const __m256i high = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(mantissa, bias), _mm256_unpackhi_epi8(power, ones));
        /* The ones below the code: a sign of zero would make the sample zero. */
        _mm256_storeu_si256((void *)(out + i), _mm256_sign_epi16(low, _mm256_unpacklo_epi8(all, code)));
        _mm256_storeu_si256((void *)(out + i + 16), _mm256_sign_epi16(high, _mm256_unpackhi_epi8(all, code)));
    }
    return i;
}

LKU_TARGET_AVX2 static size_t lku_alaw_to_s16_avx2(const uint8_t *in, size_t num_samples, lku_s16 *out) {
    /* By the high four bits after the toggling: 128 for the leading one, which the lowest segment lacks, and
     * -2^(exponent - 1). By the low four: 4 * (2 * bits + 1). The product is half the magnitude. */
    const __m256i leading = LKU_G711_TABLE(0, -128, -128, -128, -128, -128, -128, -128, 0, -128, -128, -128, -128, -128,
                                           -128, -128);
    const __m256i powers = LKU_G711_TABLE(-1, -1, -2, -4, -8, -16, -32, -64, -1, -1, -2, -4, -8, -16, -32, -64);
    const __m256i mantissas = LKU_G711_TABLE(4, 12, 20, 28, 36, 44, 52, 60, 68, 76, 84, 92, 100, 108, 116, 124);
    const __m256i toggled = _mm256_set1_epi8(0x55);
    const __m256i four_bits = _mm256_set1_epi8(0x0F);
    const __m256i none = _mm256_setzero_si256();
    const __m256i all = _mm256_set1_epi8(-1);
    size_t i = 0;

    for (; i + 32 <= num_samples; i += 32) {
        const __m256i loaded = _mm256_permute4x64_epi64(_mm256_loadu_si256((const void *)(in + i)), 0xD8);
        const __m256i code = _mm256_xor_si256(loaded, toggled);
        const __m256i segment = _mm256_and_si256(_mm256_srli_epi16(code, 4), four_bits);
        const __m256i mantissa = _mm256_add_epi8(_mm256_shuffle_epi8(mantissas, _mm256_and_si256(code, four_bits)),
                                                 _mm256_shuffle_epi8(leading, segment));
        const __m256i power = _mm256_shuffle_epi8(powers, segment);
        const __m256i low = _mm256_maddubs_epi16(_mm256_unpacklo_epi8(mantissa, none), _mm256_unpacklo_epi8(power, none));
        const __m256i high = _mm256_maddubs_epi16(_mm256_unpackhi_epi8(mantissa, none), _mm256_unpackhi_epi8(power, none));
        _mm256_storeu_si256((void *)(out + i),
                            _mm256_sign_epi16(_mm256_slli_epi16(low, 1), _mm256_unpacklo_epi8(all, code)));
        _mm256_storeu_si256((void *)(out + i + 16),
                            _mm256_sign_epi16(_mm256_slli_epi16(high, 1), _mm256_unpackhi_epi8(all, code)));
    }
    return i;
}

#undef LKU_G711_BYTE
#undef LKU_G711_TABLE

#endif
