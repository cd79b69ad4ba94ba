#include "fft.h"

#include <math.h>

/* Of a third, a fifth, and two fifths of a circle. */
#define SIN_3 0.866025404f
#define COS_5 0.309016994f
#define SIN_5 0.951056516f
#define COS_52 -0.809016994f
#define SIN_52 0.587785252f

size_t lku_fft_num_floats(size_t size, size_t num_rows) {
    return 4 * size + 4 * size * num_rows;
}

void lku_fft_init(lku_fft *fft, size_t size, size_t num_rows, float *memory) {
    const double pi = 3.14159265358979323846;
    fft->size = size;
    fft->num_rows = num_rows;
    fft->table = memory;
    fft->planes = memory + 4 * size;
    fft->spare = fft->planes + 2 * size * num_rows;
    for (size_t t = 0; t < 2 * size; t++) {
        fft->table[2 * t] = (float)cos(pi * (double)t / (double)size);
        fft->table[2 * t + 1] = (float)-sin(pi * (double)t / (double)size);
    }
}

static size_t next_radix(size_t rest) {
    if (rest % 4 == 0)
        return 4;
    for (size_t p = 2; p * p <= rest; p++)
        if (rest % p == 0)
            return p;
    return rest;
}

/* The four numbers at distance `step` become four that lie together, `run` each: one butterfly for `run` columns. */
LKU_INLINE void four(const float *LKU_RESTRICT re, const float *LKU_RESTRICT im, size_t step, float *LKU_RESTRICT out_re,
                     float *LKU_RESTRICT out_im, size_t run, const float *w1, const float *w2, const float *w3) {
    const float c1 = w1[0], s1 = w1[1], c2 = w2[0], s2 = w2[1], c3 = w3[0], s3 = w3[1];
    LKU_INDEPENDENT
    for (size_t r = 0; r < run; r++) {
        const float ar = re[r] + re[r + 2 * step], ai = im[r] + im[r + 2 * step];
        const float br = re[r] - re[r + 2 * step], bi = im[r] - im[r + 2 * step];
        const float cr = re[r + step] + re[r + 3 * step], ci = im[r + step] + im[r + 3 * step];
        const float dr = re[r + step] - re[r + 3 * step], di = im[r + step] - im[r + 3 * step];
        const float x1r = br + di, x1i = bi - dr, x2r = ar - cr, x2i = ai - ci, x3r = br - di, x3i = bi + dr;
        out_re[r] = ar + cr;
        out_im[r] = ai + ci;
        out_re[r + run] = x1r * c1 - x1i * s1;
        out_im[r + run] = x1r * s1 + x1i * c1;
        out_re[r + 2 * run] = x2r * c2 - x2i * s2;
        out_im[r + 2 * run] = x2r * s2 + x2i * c2;
        out_re[r + 3 * run] = x3r * c3 - x3i * s3;
        out_im[r + 3 * run] = x3r * s3 + x3i * c3;
    }
}

/* Writes a number times w. */
LKU_INLINE void turn(float re, float im, const float *w, float *out_re, float *out_im) {
    *out_re = re * w[0] - im * w[1];
    *out_im = re * w[1] + im * w[0];
}

LKU_INLINE void three(const float *LKU_RESTRICT re, const float *LKU_RESTRICT im, size_t step,
                      float *LKU_RESTRICT out_re, float *LKU_RESTRICT out_im, size_t run, const float *const *w) {
    const float w1[] = {w[1][0], w[1][1]}, w2[] = {w[2][0], w[2][1]};
    LKU_INDEPENDENT
    for (size_t r = 0; r < run; r++) {
        const float ar = re[r + step] + re[r + 2 * step], ai = im[r + step] + im[r + 2 * step];
        const float br = SIN_3 * (re[r + step] - re[r + 2 * step]), bi = SIN_3 * (im[r + step] - im[r + 2 * step]);
        const float cr = re[r] - 0.5f * ar, ci = im[r] - 0.5f * ai;
        out_re[r] = re[r] + ar;
        out_im[r] = im[r] + ai;
        turn(cr + bi, ci - br, w1, &out_re[r + run], &out_im[r + run]);
        turn(cr - bi, ci + br, w2, &out_re[r + 2 * run], &out_im[r + 2 * run]);
    }
}

LKU_INLINE void five(const float *LKU_RESTRICT re, const float *LKU_RESTRICT im, size_t step,
                     float *LKU_RESTRICT out_re, float *LKU_RESTRICT out_im, size_t run, const float *const *w) {
    const float w1[] = {w[1][0], w[1][1]}, w2[] = {w[2][0], w[2][1]};
    const float w3[] = {w[3][0], w[3][1]}, w4[] = {w[4][0], w[4][1]};
    LKU_INDEPENDENT
    for (size_t r = 0; r < run; r++) {
        const float ar = re[r + step] + re[r + 4 * step], ai = im[r + step] + im[r + 4 * step];
        const float br = re[r + step] - re[r + 4 * step], bi = im[r + step] - im[r + 4 * step];
        const float cr = re[r + 2 * step] + re[r + 3 * step], ci = im[r + 2 * step] + im[r + 3 * step];
        const float dr = re[r + 2 * step] - re[r + 3 * step], di = im[r + 2 * step] - im[r + 3 * step];
        const float er = re[r] + COS_5 * ar + COS_52 * cr, ei = im[r] + COS_5 * ai + COS_52 * ci;
        const float fr = re[r] + COS_52 * ar + COS_5 * cr, fi = im[r] + COS_52 * ai + COS_5 * ci;
        const float gr = SIN_5 * br + SIN_52 * dr, gi = SIN_5 * bi + SIN_52 * di;
        const float hr = SIN_52 * br - SIN_5 * dr, hi = SIN_52 * bi - SIN_5 * di;
        out_re[r] = re[r] + ar + cr;
        out_im[r] = im[r] + ai + ci;
        turn(er + gi, ei - gr, w1, &out_re[r + run], &out_im[r + run]);
        turn(fr + hi, fi - hr, w2, &out_re[r + 2 * run], &out_im[r + 2 * run]);
        turn(fr - hi, fi + hr, w3, &out_re[r + 3 * run], &out_im[r + 3 * run]);
        turn(er - gi, ei + gr, w4, &out_re[r + 4 * run], &out_im[r + 4 * run]);
    }
}

/* Adds a number times w to the output of a butterfly of any radix. */
LKU_INLINE void add_turned(const float *LKU_RESTRICT re, const float *LKU_RESTRICT im, float *LKU_RESTRICT out_re,
                           float *LKU_RESTRICT out_im, size_t run, const float *w) {
    const float c = w[0], s = w[1];
    LKU_INDEPENDENT
    for (size_t r = 0; r < run; r++) {
        out_re[r] += re[r] * c - im[r] * s;
        out_im[r] += re[r] * s + im[r] * c;
    }
}

/* The complex transform of `planes`; the result is in `planes` again. */
LKU_INLINE void transform_body(lku_fft *fft) {
    const size_t size = fft->size, plane = size * fft->num_rows, circle = 2 * size;
    const float *table = fft->table;
    size_t rest = size, done = 1;
    while (rest > 1) {
        const size_t radix = next_radix(rest), part = rest / radix, run = done * fft->num_rows, step = part * run;
        for (size_t q = 0; q < part; q++) {
            const float *re = fft->planes + q * run, *im = re + plane;
            float *out_re = fft->spare + radix * q * run, *out_im = out_re + plane;
            /* exp(-2 pi i q / rest), and its powers. */
            const size_t angle = 2 * q * done;
            const float *w[] = {table, &table[2 * angle], &table[2 * (2 * angle % circle)],
                                &table[2 * (3 * angle % circle)], &table[2 * (4 * angle % circle)]};
            if (radix == 4) {
                four(re, im, step, out_re, out_im, run, w[1], w[2], w[3]);
                continue;
            }
            if (radix == 3) {
                three(re, im, step, out_re, out_im, run, w);
                continue;
            }
            if (radix == 5) {
                five(re, im, step, out_re, out_im, run, w);
                continue;
            }
            for (size_t k = 0; k < radix; k++) {
                float *sum_re = out_re + k * run, *sum_im = out_im + k * run;
                for (size_t r = 0; r < run; r++)
                    sum_re[r] = sum_im[r] = 0.0f;
                for (size_t j = 0; j < radix; j++)
                    add_turned(re + j * step, im + j * step, sum_re, sum_im, run,
                               &table[2 * ((k * angle + j * k % radix * (circle / radix)) % circle)]);
            }
        }
        float *planes = fft->planes;
        fft->planes = fft->spare;
        fft->spare = planes;
        rest = part;
        done *= radix;
    }
}

LKU_KERNEL_VARIANTS(transform, (lku_fft * fft), (fft))

void lku_fft_forward(lku_simd simd, lku_fft *fft) {
    LKU_KERNEL_CALL(transform, simd, (fft));
}

void lku_fft_bin(const lku_fft *fft, size_t row, size_t k, float *bin) {
    const size_t size = fft->size, rows = fft->num_rows, plane = size * rows;
    const float *here = fft->planes + k % size * rows + row, *there = fft->planes + (size - k) % size * rows + row;
    const float numbers[] = {here[0], here[plane], there[0], there[plane]};
    lku_fft_join(numbers, numbers + 2, &fft->table[2 * k], bin);
}

void lku_fft_backward(lku_simd simd, lku_fft *fft, const lku_f32 *spectrum) {
    const size_t size = fft->size, rows = fft->num_rows, plane = size * rows;
    const float scale = 0.5f / (float)size;
    for (size_t row = 0; row < rows; row++) {
        const lku_f32 *x = spectrum + 2 * row * (size + 1);
        for (size_t k = 0; k < size; k++) {
            const lku_f32 *here = x + 2 * k, *there = x + 2 * (size - k);
            const float here_im = k == 0 ? 0.0f : here[1], there_im = k == 0 ? 0.0f : there[1];
            const float *w = &fft->table[2 * k];
            const float even_re = here[0] + there[0], even_im = here_im - there_im;
            const float turn_re = here[0] - there[0], turn_im = here_im + there_im;
            const float odd_re = turn_re * w[0] + turn_im * w[1], odd_im = turn_im * w[0] - turn_re * w[1];
            /* Real and imaginary parts change places, which makes the transform one back. */
            fft->planes[k * rows + row] = scale * (even_im + odd_re);
            fft->planes[plane + k * rows + row] = scale * (even_re - odd_im);
        }
    }
    LKU_KERNEL_CALL(transform, simd, (fft));
    for (size_t i = 0; i < plane; i++) {
        const float value = fft->planes[i];
        fft->planes[i] = fft->planes[plane + i];
        fft->planes[plane + i] = value;
    }
}
