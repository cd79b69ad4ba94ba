/* Sound in place of lost packets of speech, one channel.
 *
 * The idea is that of ITU-T G.711 Appendix I: speech goes on as it was for a moment, so the last pitch period before the
 * gap is repeated, at its level for 10 ms and then fading out in a straight line until 60 ms, and the sound that
 * follows the gap fades in over what would have come. Unlike there, nothing is held back: the step from the last sample
 * to the repeated period is a ramp that runs out, instead of an overlap that needs 3.75 ms of delay.
 *
 * Arithmetic is in integers, but for the choice of the period.
 */
#ifndef LKU_CONCEAL_H
#define LKU_CONCEAL_H

#include "s16.h"

enum {
    LKU_CONCEAL_MIN_RATE = 1000,
    LKU_CONCEAL_MAX_RATE = 192000
};

typedef struct lku_conceal {
    size_t sample_rate;
    size_t min_period; /* 5 ms: 200 Hz */
    size_t max_period; /* 15 ms: 66 Hz */
    size_t window;     /* 20 ms, in which the signal is compared with itself */
    int16_t *history;  /* the last window + max_period samples that were heard */
    int16_t *cycle;    /* what is repeated: `period` samples */
    size_t period;
    size_t position;   /* in the cycle */
    size_t num_lost;   /* samples since the gap began; 0: there is none */
    int32_t step;      /* from where the cycle begins to where the sound was */
} lku_conceal;

/* How many int16 values of memory a stream takes. */
size_t lku_conceal_memory(size_t sample_rate);

/* state  [out] at the start of a stream, after silence
 * memory [in]  lku_conceal_memory(sample_rate) values, borrowed for as long as the state is used
 */
void lku_conceal_init(lku_conceal *state, size_t sample_rate, int16_t *memory);

/* Takes samples that came; after a gap, their beginning fades in over what was in its place.
 * samples [in, out]
 */
void lku_conceal_received(lku_conceal *state, int16_t *samples, size_t num_samples);

/* Makes samples in place of those that were lost. */
void lku_conceal_lost(lku_conceal *state, int16_t *out, size_t num_samples);

#endif
