/* Fourier transforms of real sound, of several rows at once, at any even length.
 *
 * 2 * size real numbers make size + 1 complex ones:
 *
 *     X[k] = sum over t of x[t] exp(-2 pi i k t / (2 size)),    x[t] = 1 / (2 size) * sum over k of X[k] exp(...)
 *
 * They are computed as a complex transform of length `size` of the even and the odd samples (Stockham's algorithm,
 * radix 4, 3, 5 and the prime factors that remain). Rows are interleaved, so that the innermost loops run over all of them.
 */
#ifndef LKU_FFT_H
#define LKU_FFT_H

#include "simd.h"

typedef struct lku_fft {
    size_t size;
    size_t num_rows;
    float *table;  /* 2 * size numbers exp(-2 pi i t / (2 size)), real and imaginary part in turn */
    float *planes; /* size * num_rows real parts, then as many imaginary parts: the numbers to be transformed */
    float *spare;  /* the same again */
} lku_fft;

size_t lku_fft_num_floats(size_t size, size_t num_rows);

/* size, num_rows: at least 1. memory: it is used as long as `fft` is. */
void lku_fft_init(lku_fft *fft, size_t size, size_t num_rows, float *memory);

/* Transforms `planes`, of which row r has its number t at [t * num_rows + r]: sample 2 t as the real part, sample 2 t + 1
 * as the imaginary part. Use `lku_fft_bin` afterwards. */
void lku_fft_forward(lku_simd simd, lku_fft *fft);

/* Writes X[k] to `bin`, from the numbers k and size - k of the complex transform and the table's number k. */
LKU_INLINE void lku_fft_join(const float *here, const float *there, const float *w, lku_f32 *bin) {
    const float even_re = here[0] + there[0], even_im = here[1] - there[1];
    /* (here - conj(there)) / i */
    const float odd_re = here[1] + there[1], odd_im = there[0] - here[0];
    bin[0] = 0.5f * (even_re + w[0] * odd_re - w[1] * odd_im);
    bin[1] = 0.5f * (even_im + w[0] * odd_im + w[1] * odd_re);
}

/* Writes X[k] of a row to `bin`; k up to size. */
void lku_fft_bin(const lku_fft *fft, size_t row, size_t k, float *bin);

/* Transforms size + 1 complex numbers of each row back: `planes` then holds samples as they are given to
 * `lku_fft_forward`. The imaginary parts of the first and the last number do not count.
 *
 * spectrum [in] num_rows rows of real and imaginary parts in turn
 */
void lku_fft_backward(lku_simd simd, lku_fft *fft, const lku_f32 *spectrum);

#endif
