#include <math.h>

#include "noise_fill.h"
#include "testing.h"

enum { ROUNDS = 200, MAX_CHANNELS = 3, MAX_BINS = 70 };

/* All is missing of a constant noise that was removed; nothing of one that was not. */
static void one_round(void) {
    const size_t count = 1 + random_below(MAX_CHANNELS), bins = 2 + random_below(MAX_BINS), row = count * bins;
    size_t places[MAX_BINS + 2], place = random_below(3);
    for (size_t b = 0; b < bins; b++, place += 1 + random_below(5))
        places[b] = place;
    const size_t num_places = places[bins - 1] + 1;
    float *memory = calloc(lku_noise_fill_num_floats(count, bins), sizeof *memory);
    CHECK(memory != NULL, "memory");
    lku_noise_fill state;
    lku_noise_fill_init(&state, count, bins, memory);
    block mic = make_block(2 * row * sizeof(float)), silence = make_block(mic.num_bytes);
    block noise = make_block(row * sizeof(float)), spectrum = make_block(2 * count * num_places * sizeof(float));
    memset(silence.data, 0, silence.num_bytes);
    for (size_t i = 0; i < row; i++) {
        ((lku_f32 *)mic.data)[2 * i] = 3.0f;
        ((lku_f32 *)mic.data)[2 * i + 1] = 4.0f;
        ((lku_f32 *)noise.data)[i] = 4.0f;
    }
    float missing = 0.0f;
    for (int k = 0; k < 40; k++)
        missing = lku_noise_fill_push(&state, mic.data, silence.data, noise.data);
    CHECK(fabsf(missing - 4.0f) < 1e-4f, "%g is missing", (double)missing);
    lku_noise_fill_make(&state, places, 2.0f, num_places, spectrum.data);
    for (size_t i = 0; i < count * num_places; i++) {
        const float got = lku_bin_power(spectrum.data, i), wanted = i % num_places < places[0] ? 0.0f : 16.0f;
        CHECK(fabsf(got - wanted) < 1e-3f, "number %zu has the power %g", i, (double)got);
    }
    for (int k = 0; k < 40; k++)
        missing = lku_noise_fill_push(&state, mic.data, mic.data, noise.data);
    CHECK(missing == 0.0f, "%g is missing", (double)missing);
    free(memory);
    drop_block(mic);
    drop_block(silence);
    drop_block(noise);
    drop_block(spectrum);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        one_round();
    return 0;
}
