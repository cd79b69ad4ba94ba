/* ITU-T G.711: mu-law and A-law, 8 bits for each sample of 16.
 *
 * Decoding has one answer: the 14-bit values of mu-law and the 13-bit values of A-law, left-justified in 16 bits
 * (+-32124 and +-32256 at most). For encoding, G.711 leaves open how 16 bits become 14 or 13. Here it is as in the C
 * code that Sun Microsystems published (g711.c), which SoX and Python's former audioop share: the lowest 2 or 3 bits
 * are dropped by an arithmetic shift, mu-law then takes the magnitude (up to 8158), A-law the one's complement of a
 * negative value. Every code but the negative zero of mu-law (0x7F) comes back after decoding and encoding.
 */
#ifndef LKU_G711_H
#define LKU_G711_H

#include "simd.h"

/* in  [in]  num_samples codes
 * out [out] num_samples samples; must not overlap in
 */
void lku_ulaw_to_s16(lku_simd simd, const uint8_t *in, size_t num_samples, lku_s16 *out);
void lku_alaw_to_s16(lku_simd simd, const uint8_t *in, size_t num_samples, lku_s16 *out);

/* The way back; out must not overlap in. */
void lku_s16_to_ulaw(lku_simd simd, const lku_s16 *in, size_t num_samples, uint8_t *out);
void lku_s16_to_alaw(lku_simd simd, const lku_s16 *in, size_t num_samples, uint8_t *out);

#endif
