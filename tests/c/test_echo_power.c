#include <math.h>

#include "echo_power.h"
#include "testing.h"

enum { ROUNDS = 6, BLOCKS = 250, MAX_CHANNELS = 3 };

/* An echo of a quarter of the power, without other sound, is measured; and a loud one does not overflow. */
static void one_round(lku_simd simd) {
    const size_t count = 1 + random_below(MAX_CHANNELS), bins = LKU_ECHO_GROUP * (1 + random_below(9));
    const size_t lag = random_below(LKU_ECHO_LAGS);
    void *memory = calloc(lku_echo_power_num_bytes(count, bins), 1);
    float *past = calloc(2 * bins * (BLOCKS + LKU_ECHO_LAGS), sizeof *past);
    CHECK(memory != NULL && past != NULL, "memory");
    lku_echo_power state;
    lku_echo_power_init(&state, count, bins, memory);
    block mic = make_block(2 * count * bins * sizeof(float)), echo = make_block(count * bins * sizeof(float));
    double expected = 0.0, got = 0.0;
    for (size_t k = 0; k < BLOCKS; k++) {
        float *ref = past + 2 * bins * (k + LKU_ECHO_LAGS);
        const float *late = ref - 2 * bins * lag;
        for (size_t i = 0; i < 2 * bins; i++)
            ref[i] = 20.0f * (float)random_s16();
        for (size_t i = 0; i < 2 * bins * count; i++)
            ((lku_f32 *)mic.data)[i] = 0.5f * late[i % (2 * bins)];
        lku_echo_power_push(simd, &state, mic.data, ref, echo.data);
        for (size_t i = 0; k >= 150 && i < count * bins; i++) {
            const lku_f32 *number = (const lku_f32 *)mic.data + 2 * i;
            expected += (double)(number[0] * number[0] + number[1] * number[1]);
            got += (double)((const lku_f32 *)echo.data)[i];
        }
    }
    CHECK(isfinite(got) && got > 0.9 * expected && got < 1.5 * expected, "lag %zu: %g of %g", lag, got, expected);
    lku_echo_power_forget(&state);
    CHECK(state.num_heard == 0 && state.found[0] == 0.0, "forgotten");
    free(memory);
    free(past);
    drop_block(mic);
    drop_block(echo);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        for (int simd = LKU_SIMD_BASELINE; simd <= (int)lku_simd_detect(); simd++)
            one_round((lku_simd)simd);
    return 0;
}
