/* Any ratio, taps and samples within the contracts, cut into any pieces: as many samples as was said, and the same as
 * in one piece, on all levels. */
#include "input.h"
#include "linear.h"
#include "polyphase.h"

enum { MAX_FRAMES = 500, MAX_OUTPUTS = 20000, MAX_CHANNELS = 3, MAX_PIECES = 8 };

/* A tap such that those of a row stay within the bound that callers keep. */
static int32_t take_tap(input *in, uint64_t *left) {
    const uint64_t most = *left < *left / 2 + 1 ? *left : *left / 2 + 1;
    const uint64_t tap = take_u64(in) % (most + 1);
    *left -= tap;
    return take_below(in, 2) ? (int32_t)tap : -(int32_t)tap;
}

/* One piece, whose input and output are exactly as long as its samples. */
static size_t process(lku_simd simd, lku_polyphase *state, const lku_s16 *samples, size_t samples_per_channel,
                      lku_s16 *to) {
    const size_t frame_bytes = state->num_channels * sizeof(int16_t);
    const size_t num_outputs = lku_polyphase_num_outputs(state, samples_per_channel);
    lku_s16 *piece = make_memory(samples_per_channel * frame_bytes), *out = make_memory(num_outputs * frame_bytes);
    if (samples_per_channel > 0)
        memcpy(piece, samples, samples_per_channel * frame_bytes);
    lku_polyphase_s16(simd, state, piece, samples_per_channel, out);
    if (num_outputs > 0)
        memcpy(to, out, num_outputs * frame_bytes);
    CHECK(lku_polyphase_num_outputs(state, 0) == 0);
    free(piece);
    free(out);
    return num_outputs;
}

static void check_polyphase(input *in) {
    lku_polyphase_filter filter = {.num_phases = 1 + take_below(in, 12), .step = 1 + take_below(in, 12)};
    if (take_below(in, 8) == 0)
        filter.num_phases = 1 + take_below(in, LKU_POLYPHASE_MAX_RATIO);
    if (take_below(in, 8) == 0)
        filter.step = 1 + take_below(in, LKU_POLYPHASE_MAX_RATIO);
    filter.num_taps = filter.step / filter.num_phases + 1 + take_below(in, 30);
    filter.look_ahead = take_below(in, filter.num_taps);
    filter.fraction_bits = LKU_POLYPHASE_COARSE_BITS +
                           (unsigned)take_below(in, LKU_POLYPHASE_MAX_BITS - LKU_POLYPHASE_COARSE_BITS + 1);
    int32_t *phases = make_memory(filter.num_phases * filter.num_taps * sizeof(int32_t));
    for (size_t phase = 0; phase < filter.num_phases; phase++) {
        uint64_t left = ((uint64_t)6 << filter.fraction_bits) - 1;
        for (size_t j = 0; j < filter.num_taps; j++)
            phases[phase * filter.num_taps + j] = take_tap(in, &left);
    }
    lku_polyphase_measure(&filter);
    lku_polyphase_run *fine = make_memory(filter.num_steps * sizeof *fine);
    uint32_t *scratch = make_memory((filter.num_steps + 8 * filter.num_quads) * sizeof(uint32_t));
    CHECK(lku_polyphase_cut(&filter, phases, fine, scratch));
    int16_t *taps = aligned_alloc(32, (filter.num_quads * filter.num_values * sizeof(int16_t) + 31) / 32 * 32);
    uint32_t *inputs = make_memory(filter.num_quads * sizeof(uint32_t));
    lku_polyphase_arrange(&filter, phases, taps, inputs);
    free(phases);
    free(scratch);

    const size_t num_channels = 1 + take_below(in, MAX_CHANNELS), frame_bytes = num_channels * sizeof(int16_t);
    size_t samples_per_channel = take_below(in, MAX_FRAMES);
    while ((samples_per_channel + 1) * filter.num_phases / filter.step > MAX_OUTPUTS)
        samples_per_channel /= 2;
    lku_s16 *samples = take_memory(in, samples_per_channel * frame_bytes);
    int16_t *memory = make_memory(lku_polyphase_memory(&filter, num_channels) * sizeof(int16_t));
    lku_polyphase state;
    lku_polyphase_init(&state, &filter, num_channels, memory);
    const size_t num_outputs = lku_polyphase_num_outputs(&state, samples_per_channel);
    CHECK(num_outputs <= (samples_per_channel + 1) * filter.num_phases / filter.step + 1);
    lku_s16 *whole = make_memory(num_outputs * frame_bytes), *cut = make_memory(num_outputs * frame_bytes);
    CHECK(process(LKU_SIMD_BASELINE, &state, samples, samples_per_channel, whole) == num_outputs);

    const lku_simd best = lku_simd_detect();
    for (int level = LKU_SIMD_BASELINE; level <= (int)best; level++) {
        lku_polyphase_reset(&state);
        size_t done = 0, made = 0;
        for (int piece = 0; piece < MAX_PIECES && done < samples_per_channel; piece++) {
            const size_t left = samples_per_channel - done;
            const size_t n = piece + 1 < MAX_PIECES ? take_below(in, left + 1) : left;
            CHECK(made + lku_polyphase_num_outputs(&state, n) <= num_outputs);
            made += process((lku_simd)level, &state, samples + done * num_channels, n, cut + made * num_channels);
            done += n;
        }
        CHECK(made == num_outputs && memcmp(whole, cut, num_outputs * frame_bytes) == 0);
    }
    free(fine);
    free(taps);
    free(inputs);
    free(samples);
    free(memory);
    free(whole);
    free(cut);
}

static uint64_t take_rate(input *in) {
    return 1 + (take_below(in, 4) ? take_below(in, 200) : take_u64(in) % LKU_LINEAR_MAX_RATE);
}

static void check_linear(input *in) {
    lku_linear state = {take_rate(in), take_rate(in), 0, 0};
    const size_t num_channels = 1 + take_below(in, MAX_CHANNELS), samples_per_channel = take_below(in, MAX_FRAMES);
    const size_t num_outputs = lku_linear_num_outputs(&state, samples_per_channel);
    if (num_outputs > MAX_OUTPUTS)
        return;
    lku_s16 *samples = take_memory(in, samples_per_channel * num_channels * sizeof(int16_t));
    lku_s16 *out = make_memory(num_outputs * num_channels * sizeof(int16_t));
    CHECK(lku_linear_s16(&state, samples, samples_per_channel, num_channels, out) <= samples_per_channel);
    free(samples);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes) {
    input in = {data, num_bytes};
    check_linear(&in);
    check_polyphase(&in);
    return 0;
}
