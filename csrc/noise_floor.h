/* The noise of a room, by the least power of a microphone in each band over a second or so.
 *
 * (After R. Martin, "Noise Power Spectral Density Estimation Based on Optimal Smoothing and Minimum Statistics", IEEE
 * Transactions on Speech and Audio Processing, 2001.) Spectra come every 10 ms. Powers are averaged over neighbouring
 * bins and over LKU_FLOOR_MEAN blocks. The least counts of the blocks in which the power is LKU_FLOOR_CLEAR times that of
 * the echo. What was heard in such blocks stays known while there are none, but the noise is never above the least power
 * of any block.
 */
#ifndef LKU_NOISE_FLOOR_H
#define LKU_NOISE_FLOOR_H

#include "bin_power.h"

enum {
    LKU_FLOOR_MEAN = 9,   /* blocks */
    LKU_FLOOR_PART = 40,  /* blocks; the least is that of the last 3 to 4 parts */
    LKU_FLOOR_PARTS = 4
};

#define LKU_FLOOR_CLEAR 10.0f

/* The end of an echo is too weak to be learnt. It may begin at a quarter of the echo's power, and dies away by 60 dB in half
 * a second or faster: per block, 1.2 dB. */
#define LKU_FLOOR_END 0.25f
#define LKU_FLOOR_DECAY 0.76f

/* So much is the mean of white noise above the least of it. */
#define LKU_FLOOR_LEAST_TO_MEAN 1.6f

typedef struct lku_noise_floor {
    size_t num_channels;
    size_t num_bins;
    size_t num_blocks; /* that were averaged, up to LKU_FLOOR_MEAN */
    size_t row;        /* of `mic` and `echo` that is written next */
    size_t part;       /* of `clear` and `any` that is collected */
    size_t in_part;    /* blocks in it */
    /* Rows of num_channels * num_bins. */
    float *mic;  /* LKU_FLOOR_MEAN rows */
    float *echo;  /* LKU_FLOOR_MEAN rows */
    float *clear; /* LKU_FLOOR_PARTS rows: the least of the blocks without an echo */
    float *any;   /* LKU_FLOOR_PARTS rows: the least of all blocks */
    float *end;   /* one row: the power of the echo's end */
} lku_noise_floor;

/* Returns how many floats an estimate needs. */
size_t lku_noise_floor_num_floats(size_t num_channels, size_t num_bins);

/* memory: it is used as long as `state` is. */
void lku_noise_floor_init(lku_noise_floor *state, size_t num_channels, size_t num_bins, float *memory);

/* Takes the spectra of a block.
 *
 * mic  [in]     num_channels rows of num_bins complex numbers
 * echo  [in]     num_channels rows of num_bins powers: the echo in it; NULL if there is none
 * noise [in/out] num_channels rows of num_bins powers: the noise; zeros at the beginning
 */
void lku_noise_floor_push(lku_noise_floor *state, const lku_f32 *mic, const lku_f32 *echo, lku_f32 *noise);

#endif
