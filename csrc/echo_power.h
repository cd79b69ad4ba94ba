/* The power of an echo in the sound of a microphone, estimated from short spectra of microphone and reference.
 *
 * The spectra come every 10 ms. A batch of LKU_ECHO_BATCH blocks of the microphone is correlated with the reference at
 * each delay of 0 to LKU_ECHO_LAGS - 1 blocks. The square of a batch's correlation c = sum(mic * conj(ref)), without
 * the products of a block with itself,
 *
 *     found = |c|^2 - sum(|mic|^2 |ref|^2)
 *
 * is 0 on average where there is no echo, and gain * total where there is one, with
 *
 *     total = sum(|ref|^2)^2 - sum(|ref|^4)
 *
 * Sums over the batches forget within some 2 s. Phases count within a batch of 160 ms only, so clocks that drift and
 * single samples that are dropped or repeated do no harm. A gain counts if it is LKU_ECHO_DEVIATIONS standard deviations
 * above what chance gives, in a bin or in its group of LKU_ECHO_GROUP bins.
 */
#ifndef LKU_ECHO_POWER_H
#define LKU_ECHO_POWER_H

#include "simd.h"

enum {
    LKU_ECHO_LAGS = 60,   /* blocks: 600 ms; the canceller finds echoes up to 500 ms */
    LKU_ECHO_BATCH = 16,  /* blocks */
    LKU_ECHO_GROUP = 8,   /* bins */
    LKU_ECHO_LEARN = 90   /* blocks of sound in the reference, before anything is known of the echo */
};

#define LKU_ECHO_MEMORY 0.923 /* per batch */
#define LKU_ECHO_DEVIATIONS 3.0

typedef struct lku_echo_power {
    size_t num_channels;
    size_t num_bins;
    size_t num_blocks; /* of the batch that is collected */
    size_t num_heard;  /* blocks with sound in the reference, up to LKU_ECHO_LEARN */
    int is_known;      /* whether `gains` are set */
    /* Rows of num_channels * num_bins, or of num_bins for the reference. */
    double *found;  /* LKU_ECHO_LAGS rows */
    double *spread; /* LKU_ECHO_LAGS rows: the variance that chance gives to `found` */
    double *total;  /* LKU_ECHO_LAGS rows of the reference */
    float *mic;    /* LKU_ECHO_BATCH rows of the real parts, then as many of the imaginary parts */
    float *ref;     /* LKU_ECHO_LAGS - 1 + LKU_ECHO_BATCH rows of real parts, of imaginary parts, of powers */
    float *gains;   /* LKU_ECHO_LAGS rows */
    float *sums;    /* three rows of the reference: room for sums over a batch, or over all lags */
} lku_echo_power;

/* Returns the size of the memory of an estimate. num_bins is a multiple of LKU_ECHO_GROUP. */
size_t lku_echo_power_num_bytes(size_t num_channels, size_t num_bins);

/* memory: zeros, aligned for double; it is used as long as `state` is. */
void lku_echo_power_init(lku_echo_power *state, size_t num_channels, size_t num_bins, void *memory);

/* Starts over with learning, because the delay has changed. */
void lku_echo_power_forget(lku_echo_power *state);

/* Takes the spectra of a block, and estimates the power of the echo in it. While nothing is known of the echo it is
 * taken for as loud as the loudest block of the reference.
 *
 * mic [in]  num_channels rows of num_bins complex numbers; at most 1e12 in power
 * ref  [in]  num_bins complex numbers
 * echo [out] num_channels rows of num_bins powers; it overlaps neither
 */
void lku_echo_power_push(lku_simd simd, lku_echo_power *state, const lku_f32 *mic, const lku_f32 *ref, lku_f32 *echo);

#endif
