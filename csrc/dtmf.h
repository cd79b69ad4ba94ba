/* Detects the digits of a telephone's keypad (DTMF) in one channel.
 *
 * A window of 20 ms moves over the stream by hops of 5 ms. In each, the amplitude and phase at the eight frequencies are
 * measured under a Hann window:
 *
 *     X[k] = sum of w[n] x[n] exp(-2 pi i f[k] (n - centre) / sample_rate), w[n] = 1 - cos(2 pi (n + 0.5) / length)
 *
 * A window holds a digit if the strongest tone of each group together make up nearly all of its power, and if their
 * frequencies, levels and their ratio are those of a digit. The frequency is that of the phase from window to window, so
 * it is known within a few Hz although the window's own resolution is 50 Hz. A digit is a run of such windows. Its edges
 * are found from the amplitude in the windows that lie over them, to about 1 ms. See dtmf.c for the limits.
 *
 * The window and the hop are multiples of 8 and 4 samples; the result does not depend on how the stream is cut into
 * calls. Nothing is allocated.
 */
#ifndef LKU_DTMF_H
#define LKU_DTMF_H

#include "simd.h"

enum {
    LKU_DTMF_MIN_RATE = 8000,
    LKU_DTMF_MAX_RATE = 384000,
    LKU_DTMF_GROUP = 4,               /* tones of a group */
    LKU_DTMF_TONES = 2 * LKU_DTMF_GROUP,
    LKU_DTMF_HOPS = 4,                /* hops of a window */
    LKU_DTMF_PAST = 8                 /* windows that are remembered */
};

/* Frequencies in Hz: the low group, then the high one. */
extern const double lku_dtmf_hz[LKU_DTMF_TONES];

/* What is measured in one window. */
typedef struct lku_dtmf_window {
    float re[LKU_DTMF_TONES];
    float im[LKU_DTMF_TONES];
    float mean_square; /* of the samples without their mean, weighted by the window */
} lku_dtmf_window;

typedef struct lku_dtmf_digit {
    int32_t digit;     /* 4 * row + column: 123A456B789C*0#D */
    int64_t start;     /* samples from the start of the stream */
    int64_t duration;  /* samples */
} lku_dtmf_digit;

/* A run of windows with the same digit. */
typedef struct lku_dtmf_run {
    int32_t digit;                     /* -1: there is none */
    int64_t first;                     /* number of the first window that holds it, and of the last so far */
    int64_t last;
    int64_t num_windows;               /* that hold it, of those from first to last */
    double lead[LKU_DTMF_HOPS];        /* amplitudes in the windows up to the first */
    double start_level;                /* amplitude of the digit at its start */
} lku_dtmf_run;

typedef struct lku_dtmf {
    double sample_rate;
    size_t hop;                        /* samples */
    size_t half;                       /* of a window */
    size_t filled;                     /* samples of the hop that is coming in */
    int64_t num_hops;
    int64_t earliest;                  /* where the last digit ended; no other starts before it */
    float *samples;                    /* of the last window; the newest hop at the end */
    const float *weights;              /* of half a window from its centre */
    const float *tables;               /* for each of these the weighted cosines, then the negative sines, of all tones */
    float *scratch;                    /* three times half a window */
    double turn_re[LKU_DTMF_TONES];    /* of each tone within a hop */
    double turn_im[LKU_DTMF_TONES];
    lku_dtmf_window windows[2];        /* even and odd ones */
    float levels[LKU_DTMF_PAST][LKU_DTMF_TONES];
    lku_dtmf_run run;
    lku_dtmf_run challenger;           /* another digit within the run */
} lku_dtmf;

/* How many floats the memory of a detector holds. */
size_t lku_dtmf_memory(double sample_rate);

/* memory: lku_dtmf_memory(sample_rate) floats, for as long as the detector is used. */
void lku_dtmf_init(lku_dtmf *state, double sample_rate, float *memory);

/* Begins a new stream. */
void lku_dtmf_reset(lku_dtmf *state);

/* Takes samples up to the end of a digit, or all. Returns how many it took; found->digit is -1 if no digit ended. */
size_t lku_dtmf_push(lku_simd simd, lku_dtmf *state, const lku_s16 *samples, size_t num_samples,
                     lku_dtmf_digit *found);

/* Ends the stream as silence would, and begins a new one. Returns how many digits have ended with it: up to two, where
 * the last one followed another without a pause. */
size_t lku_dtmf_flush(lku_simd simd, lku_dtmf *state, lku_dtmf_digit found[2]);

/* Measures one window; `samples` are 2 * state->half. */
void lku_dtmf_measure(lku_simd simd, const lku_dtmf *state, const float *samples, lku_dtmf_window *window);

#endif
