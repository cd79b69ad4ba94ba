/* Any ratio, taps and samples within the contracts, cut into any pieces: as many samples as was said, and the same as
 * in one piece, on all levels. */
#include "input.h"
#include "linear.h"
#include "polyphase.h"

enum { MAX_FRAMES = 500, MAX_OUTPUTS = 20000, MAX_CHANNELS = 3, MAX_PIECES = 8 };

static float take_tap(input *in) {
    float tap;
    take(in, &tap, sizeof tap);
    return tap >= -65536.0f && tap <= 65536.0f ? tap : 1.0f; /* the bound that callers keep; not for NaN either */
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
    const size_t least = filter.step / filter.num_phases + 1 + take_below(in, 30);
    filter.num_taps = (least + LKU_POLYPHASE_LANES - 1) / LKU_POLYPHASE_LANES * LKU_POLYPHASE_LANES;
    filter.look_ahead = take_below(in, filter.num_taps);
    lku_f32 *phases = make_memory(filter.num_phases * filter.num_taps * sizeof(float));
    for (size_t i = 0; i < filter.num_phases * filter.num_taps; i++)
        phases[i] = take_tap(in);
    const size_t num_rows = filter.num_phases + LKU_POLYPHASE_SPARE_ROWS;
    lku_f32 *taps = make_memory(num_rows * filter.num_taps * sizeof(float));
    uint16_t *inputs = make_memory(num_rows * sizeof(uint16_t));
    lku_polyphase_arrange(&filter, phases, taps, inputs);
    free(phases);

    const size_t num_channels = 1 + take_below(in, MAX_CHANNELS), frame_bytes = num_channels * sizeof(int16_t);
    size_t samples_per_channel = take_below(in, MAX_FRAMES);
    while ((samples_per_channel + 1) * filter.num_phases / filter.step > MAX_OUTPUTS)
        samples_per_channel /= 2;
    lku_s16 *samples = take_memory(in, samples_per_channel * frame_bytes);
    lku_f32 *memory = make_memory(lku_polyphase_memory(&filter, num_channels) * sizeof(float));
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
