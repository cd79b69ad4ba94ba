#include "polyphase.h"

#include <string.h>

#if LKU_HAS_TARGETS
#include "polyphase_x86.h"
#endif

enum {
    QUAD = LKU_POLYPHASE_QUAD,
    LANES = 2 * QUAD, /* of the sums: an output has one for two inputs of a step, and one for the other two */
    STEP_TAPS = QUAD * QUAD,
    MAX_LANE = 65535, /* of the taps in a lane, without their signs: with samples of up to 32768 less than 2^31 */
    CHUNK = 1024      /* input frames that find room besides what outputs reach back to */
};

static size_t input_of(const lku_polyphase_filter *filter, size_t row) {
    return row * filter->step / filter->num_phases;
}

void lku_polyphase_measure(lku_polyphase_filter *filter) {
    /* As many rows as fill whole quads, unless those would be very many. */
    size_t repeats = 1;
    while (filter->num_phases < 64 && filter->num_phases * repeats % LANES)
        repeats++;
    filter->num_rows = filter->num_phases * repeats;
    filter->num_quads = (filter->num_rows + QUAD - 1) / QUAD + 1;
    size_t spread = 0, to_next = 0;
    for (size_t row = 0; row < filter->num_quads * QUAD; row += QUAD) {
        const size_t input = input_of(filter, row), last = input_of(filter, row + QUAD - 1) - input;
        const size_t next = input_of(filter, row + QUAD) - input;
        spread = last > spread ? last : spread;
        to_next = next > to_next ? next : to_next;
    }
    filter->num_steps = (filter->num_taps + spread + QUAD - 1) / QUAD;
    filter->reach = to_next + filter->num_steps * QUAD;
}

/* The taps of one output for a step of its quad's window; 0 where that has inputs of other outputs only. */
static void taps_of(const lku_polyphase_filter *filter, const int32_t *phases, size_t row, size_t step,
                    int32_t taps[QUAD]) {
    const size_t moved = input_of(filter, row) - input_of(filter, row / QUAD * QUAD);
    phases += row * filter->step % filter->num_phases * filter->num_taps;
    for (size_t i = 0; i < QUAD; i++) {
        const size_t place = step * QUAD + i;
        taps[i] = place >= moved && place - moved < filter->num_taps ? phases[place - moved] : 0;
    }
}

static int32_t coarse_part(const lku_polyphase_filter *filter, int32_t tap) {
    const int32_t unit = (int32_t)1 << (filter->fraction_bits - LKU_POLYPHASE_COARSE_BITS);
    const int32_t up = tap + unit / 2; /* towards minus infinity, which a shift need not do */
    return (up - (up % unit + unit) % unit) / unit;
}

static bool has_step(lku_polyphase_run run, size_t step) {
    return step >= run.first && step - run.first < run.num_steps;
}

/* What the fine runs have of a tap. */
static int32_t fine_part(const lku_polyphase_filter *filter, int32_t tap, size_t step) {
    if (!has_step(filter->coarse, step))
        return tap;
    return tap - coarse_part(filter, tap) * ((int32_t)1 << (filter->fraction_bits - LKU_POLYPHASE_COARSE_BITS));
}

static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

/* Whether all coarse parts fit, and the sums of their products: rounding adds up to 1/2 to each of those in a lane, up
 * to 32768 of them, and 6 << 13 and 16384 are 65536. */
static bool fits(const lku_polyphase_filter *filter, const int32_t *phases) {
    const uint32_t one = (uint32_t)1 << filter->fraction_bits;
    for (size_t phase = 0; phase < filter->num_phases; phase++) {
        uint64_t sum = 0;
        for (size_t j = 0; j < filter->num_taps; j++) {
            const uint32_t tap = magnitude(phases[phase * filter->num_taps + j]);
            sum += tap;
            if (tap > 3 * one)
                return false;
        }
        if (sum >= (uint64_t)6 * one)
            return false;
    }
    return true;
}

/* The largest tap of each step. */
static void find_peaks(const lku_polyphase_filter *filter, const int32_t *phases, uint32_t *peaks) {
    for (size_t step = 0; step < filter->num_steps; step++) {
        peaks[step] = 0;
        for (size_t row = 0; row < filter->num_quads * QUAD; row++) {
            int32_t taps[QUAD];
            taps_of(filter, phases, row, step, taps);
            for (size_t i = 0; i < QUAD; i++)
                peaks[step] = magnitude(taps[i]) > peaks[step] ? magnitude(taps[i]) : peaks[step];
        }
    }
}

/* The run from the first to the last step with a tap above the limit. */
static lku_polyphase_run coarse_run(const uint32_t *peaks, size_t num_steps, uint32_t limit) {
    size_t first = 0, end = num_steps;
    while (first < end && peaks[first] <= limit)
        first++;
    while (end > first && peaks[end - 1] <= limit)
        end--;
    return (lku_polyphase_run){(uint32_t)first, (uint32_t)(end - first)};
}

/* Cuts what the coarse run leaves, each run as long as its sums fit. */
static void cut_fine(lku_polyphase_filter *filter, const int32_t *phases, lku_polyphase_run *fine, uint32_t *sums) {
    const size_t num_rows = filter->num_quads * QUAD;
    size_t num_fine = 0;
    for (size_t step = 0; step < filter->num_steps; step++) {
        bool is_full = step == 0;
        for (int again = 0; again < 2; again++) { /* in a new run, if the first attempt shows that this one is full */
            if (is_full) {
                fine[num_fine++] = (lku_polyphase_run){(uint32_t)step, 0};
                memset(sums, 0, 2 * num_rows * sizeof *sums);
                is_full = false;
            }
            for (size_t row = 0; row < num_rows; row++) {
                int32_t taps[QUAD];
                taps_of(filter, phases, row, step, taps);
                for (size_t i = 0; i < QUAD; i++)
                    sums[2 * row + i / 2] += magnitude(fine_part(filter, taps[i], step));
                is_full = is_full || sums[2 * row] > MAX_LANE || sums[2 * row + 1] > MAX_LANE;
            }
            if (!is_full)
                break;
        }
        fine[num_fine - 1].num_steps++;
    }
    filter->num_fine = num_fine;
    filter->fine = fine;
}

bool lku_polyphase_cut(lku_polyphase_filter *filter, const int32_t *phases, lku_polyphase_run *fine,
                       uint32_t *scratch) {
    if (!fits(filter, phases))
        return false;
    uint32_t *const peaks = scratch, *const sums = scratch + filter->num_steps;
    find_peaks(filter, phases, peaks);
    /* The lower the limit, the longer is the coarse run, and the longer the fine ones can be, of which there are fewer.
     * One more run takes about as long as one more step. */
    lku_polyphase_run best = {0, 0};
    size_t least = SIZE_MAX;
    for (uint32_t limit = INT16_MAX; limit > INT16_MAX / 4; limit /= 2) {
        filter->coarse = coarse_run(peaks, filter->num_steps, limit);
        cut_fine(filter, phases, fine, sums);
        const size_t cost = filter->coarse.num_steps + filter->num_fine;
        if (cost < least) {
            least = cost;
            best = filter->coarse;
        }
    }
    filter->coarse = best;
    cut_fine(filter, phases, fine, sums);
    filter->num_values = (filter->coarse.num_steps + filter->num_steps) * STEP_TAPS;
    return true;
}

void lku_polyphase_arrange(lku_polyphase_filter *filter, const int32_t *phases, int16_t *taps, uint32_t *inputs) {
    for (size_t quad = 0; quad < filter->num_quads; quad++) {
        inputs[quad] = (uint32_t)input_of(filter, quad * QUAD);
        int16_t *coarse = taps + quad * filter->num_values, *fine = coarse + filter->coarse.num_steps * STEP_TAPS;
        for (size_t step = 0; step < filter->num_steps; step++) {
            for (size_t output = 0; output < QUAD; output++) {
                int32_t values[QUAD];
                taps_of(filter, phases, quad * QUAD + output, step, values);
                for (size_t i = 0; i < QUAD; i++) {
                    fine[output * QUAD + i] = (int16_t)fine_part(filter, values[i], step);
                    if (has_step(filter->coarse, step))
                        coarse[output * QUAD + i] = (int16_t)coarse_part(filter, values[i]);
                }
            }
            fine += STEP_TAPS;
            if (has_step(filter->coarse, step))
                coarse += STEP_TAPS;
        }
    }
    filter->taps = taps;
    filter->inputs = inputs;
}

static size_t capacity_of(const lku_polyphase_filter *filter) {
    /* What outputs reach back to, what comes in, and what the last windows have behind that: it does not count. */
    return 2 * filter->reach + CHUNK;
}

size_t lku_polyphase_memory(const lku_polyphase_filter *filter, size_t num_channels) {
    return capacity_of(filter) * num_channels;
}

void lku_polyphase_init(lku_polyphase *state, const lku_polyphase_filter *filter, size_t num_channels,
                        int16_t *memory) {
    state->filter = filter;
    state->num_channels = num_channels;
    state->memory = memory;
    state->capacity = capacity_of(filter);
    memset(memory, 0, lku_polyphase_memory(filter, num_channels) * sizeof *memory);
    lku_polyphase_reset(state);
}

void lku_polyphase_reset(lku_polyphase *state) {
    /* The silence before the stream, which the first output still reaches back to. */
    const size_t silence = state->filter->num_taps - 1 - state->filter->look_ahead;
    for (size_t channel = 0; channel < state->num_channels; channel++)
        memset(state->memory + channel * state->capacity, 0, silence * sizeof *state->memory);
    state->origin = 0;
    state->end = silence;
    state->row = 0;
}

size_t lku_polyphase_start(const lku_polyphase *state) {
    return (size_t)(state->origin + (ptrdiff_t)input_of(state->filter, state->row));
}

size_t lku_polyphase_num_outputs(const lku_polyphase *state, size_t samples_per_channel) {
    const lku_polyphase_filter *filter = state->filter;
    const uint64_t known = (uint64_t)(state->end - lku_polyphase_start(state)) + samples_per_channel;
    if (known < filter->num_taps)
        return 0;
    /* In units of 1 / num_phases of an input: from the next output to before where there are too few for another. */
    const uint64_t phase = state->row * filter->step % filter->num_phases;
    const uint64_t room = (known - filter->num_taps + 1) * filter->num_phases - 1 - phase;
    return (size_t)(room / filter->step) + 1;
}

LKU_INLINE void load_body(const lku_s16 *in, size_t samples_per_channel, size_t num_channels,
                          int16_t *LKU_RESTRICT to) {
    if (num_channels == 2) { /* spelled out because the compiler vectorises only a fixed stride */
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k * 2];
    } else {
        for (size_t k = 0; k < samples_per_channel; k++)
            to[k] = in[k * num_channels];
    }
}

LKU_KERNEL_VARIANTS(load,
                    (const lku_s16 *in, size_t samples_per_channel, size_t num_channels, int16_t *LKU_RESTRICT to),
                    (in, samples_per_channel, num_channels, to))

/* Adds the sums of a run to those of the four outputs of a quad. */
static void add_run(lku_polyphase_run run, const int16_t *in, const int16_t *taps, int64_t totals[QUAD]) {
    int32_t sums[LANES] = {0};
    in += run.first * QUAD;
    for (size_t step = 0; step < run.num_steps; step++, in += QUAD, taps += STEP_TAPS)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[lane] += taps[2 * lane] * in[lane % 2 * 2] + taps[2 * lane + 1] * in[lane % 2 * 2 + 1];
    for (size_t output = 0; output < QUAD; output++)
        totals[output] += (int64_t)sums[2 * output] + sums[2 * output + 1];
}

static int16_t rounded(int64_t total, unsigned fraction_bits) {
    /* Moved to where no total is negative: there a division is a shift. */
    const int64_t above = (int64_t)1 << (fraction_bits + 19);
    const int64_t moved = (total + above + ((int64_t)1 << (fraction_bits - 1))) >> fraction_bits;
    return lku_sat_s16((int32_t)(moved - ((int64_t)1 << 19)));
}

/* One channel. */
static void filter_channel(const lku_polyphase *state, const int16_t *memory, size_t num_outputs, lku_s16 *out) {
    const lku_polyphase_filter *filter = state->filter;
    const size_t num_coarse = filter->coarse.num_steps, cycle = input_of(filter, filter->num_rows);
    size_t row = state->row;
    ptrdiff_t origin = state->origin;
    for (size_t k = 0; k < num_outputs;) {
        const size_t quad = row / QUAD;
        const int16_t *taps = filter->taps + quad * filter->num_values;
        const int16_t *in = memory + (origin + (ptrdiff_t)filter->inputs[quad]);
        int64_t totals[QUAD] = {0};
        add_run(filter->coarse, in, taps, totals);
        taps += num_coarse * STEP_TAPS;
        for (size_t output = 0; output < QUAD; output++)
            totals[output] *= (int64_t)1 << (filter->fraction_bits - LKU_POLYPHASE_COARSE_BITS);
        for (size_t i = 0; i < filter->num_fine; i++) {
            add_run(filter->fine[i], in, taps, totals);
            taps += filter->fine[i].num_steps * STEP_TAPS;
        }
        for (size_t i = row % QUAD; i < QUAD && k < num_outputs; i++, k++, row++)
            out[k * state->num_channels] = rounded(totals[i], filter->fraction_bits);
        if (row >= filter->num_rows) {
            row -= filter->num_rows;
            origin += (ptrdiff_t)cycle;
        }
    }
}

/* Puts the frames behind those that are there, where they find room. */
static void append(lku_simd simd, lku_polyphase *state, const lku_s16 *in, size_t samples_per_channel) {
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        int16_t *to = state->memory + channel * state->capacity + state->end;
        if (state->num_channels == 1)
            memcpy(to, in, samples_per_channel * sizeof *to);
        else
            LKU_KERNEL_CALL(load, simd, (in + channel, samples_per_channel, state->num_channels, to));
    }
    state->end += samples_per_channel;
}

/* Moves what is still needed to where the memory begins. */
static void make_room(lku_polyphase *state) {
    const size_t start = (size_t)(state->origin + (ptrdiff_t)state->filter->inputs[state->row / QUAD]);
    for (size_t channel = 0; channel < state->num_channels; channel++) {
        int16_t *memory = state->memory + channel * state->capacity;
        memmove(memory, memory + start, (state->end - start) * sizeof *memory);
    }
    state->end -= start;
    state->origin -= (ptrdiff_t)start;
}

/* Computes outputs, and is then at the next. */
static void emit(lku_simd simd, lku_polyphase *state, size_t num_outputs, lku_s16 *out) {
    const lku_polyphase_filter *filter = state->filter;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        lku_polyphase_avx2(state, num_outputs, out);
    else
#else
    (void)simd;
#endif
        for (size_t channel = 0; channel < state->num_channels; channel++)
            filter_channel(state, state->memory + channel * state->capacity, num_outputs, out + channel);

    const size_t next = state->row + num_outputs;
    state->row = next % filter->num_rows;
    state->origin += (ptrdiff_t)(next / filter->num_rows * input_of(filter, filter->num_rows));
}

void lku_polyphase_s16(lku_simd simd, lku_polyphase *state, const lku_s16 *in, size_t samples_per_channel,
                       lku_s16 *out) {
    const size_t room = state->capacity - state->filter->reach;
    while (samples_per_channel > 0) {
        /* What has come in reaches the window of the next output, which is longer than what outputs are apart. */
        if (room - state->end < samples_per_channel)
            make_room(state);
        const size_t taken = lku_min_size(samples_per_channel, room - state->end);
        append(simd, state, in, taken);
        in += taken * state->num_channels;
        samples_per_channel -= taken;

        const size_t num_outputs = lku_polyphase_num_outputs(state, 0);
        emit(simd, state, num_outputs, out);
        out += num_outputs * state->num_channels;
    }
}
