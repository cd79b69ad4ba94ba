#include <math.h>

#include "noise_floor.h"
#include "testing.h"

enum { ROUNDS = 20, BLOCKS = 400, MAX_CHANNELS = 3, MAX_BINS = 70 };

static void push_constant(lku_noise_floor *state, block mic, const lku_f32 *echo, float amplitude, block noise) {
    for (size_t i = 0; i < mic.num_bytes / sizeof(float); i++)
        ((lku_f32 *)mic.data)[i] = i % 2 ? 0.0f : amplitude;
    lku_noise_floor_push(state, mic.data, echo, noise.data);
}

/* Sound of a constant power is the room's, unless there is an echo. */
static void one_round(void) {
    const size_t count = 1 + random_below(MAX_CHANNELS), bins = 1 + random_below(MAX_BINS), row = count * bins;
    float *memory = calloc(lku_noise_floor_num_floats(count, bins), sizeof *memory);
    CHECK(memory != NULL, "memory");
    lku_noise_floor state;
    lku_noise_floor_init(&state, count, bins, memory);
    block mic = make_block(2 * row * sizeof(float)), echo = make_block(row * sizeof(float));
    block noise = make_block(row * sizeof(float));
    memset(noise.data, 0, noise.num_bytes);
    for (size_t i = 0; i < row; i++)
        ((lku_f32 *)echo.data)[i] = 100.0f;
    const struct {
        float amplitude, expected;
        int has_echo;
    } phases[] = {{10.0f, 0.0f, 1}, {3.0f, 9.0f, 0}, {10.0f, 9.0f, 1}, {1.0f, 1.0f, 1}, {0.0f, 0.0f, 0}};
    for (size_t phase = 0; phase < sizeof phases / sizeof *phases; phase++) {
        for (int k = 0; k < BLOCKS; k++)
            push_constant(&state, mic, phases[phase].has_echo ? echo.data : NULL, phases[phase].amplitude, noise);
        for (size_t i = 0; i < row; i++) {
            const float got = ((const lku_f32 *)noise.data)[i];
            const float wanted = LKU_FLOOR_LEAST_TO_MEAN * phases[phase].expected;
            CHECK(fabsf(got - wanted) <= 1e-4f * wanted, "phase %zu: %g, expected %g", phase, (double)got,
                  (double)wanted);
        }
    }
    free(memory);
    drop_block(mic);
    drop_block(echo);
    drop_block(noise);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        one_round();
    return 0;
}
