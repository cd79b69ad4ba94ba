#include "give_back.h"
#include "testing.h"

enum { ROUNDS = 200, MAX_SIZE = 600, MAX_DELAY = 700, MAX_CHANNELS = 3 };

/* Any sound: every share lies within its bounds, and what was lowered to silence stays silence. */
static void one_round(void) {
    const size_t count = 1 + random_below(MAX_CHANNELS);
    lku_give_back state = {.num_channels = count,
                           .samples_per_channel = 1 + random_below(MAX_SIZE),
                           .delay = random_below(MAX_DELAY)};
    const size_t num_values = count * state.samples_per_channel;
    block recent = make_block((state.delay + state.samples_per_channel) * count * sizeof(lku_s16));
    memset(recent.data, 0, recent.num_bytes);
    lku_give_back_channel channels[MAX_CHANNELS] = {{0.0f, 0.0f}};
    lku_give_back_init(&state, 8000.0 + (double)random_below(90000), recent.data, channels);
    for (int k = 0; k < 6; k++) {
        block before = make_noise(num_values), after = make_noise(num_values);
        if (k >= 4)
            memset(after.data, 0, after.num_bytes);
        lku_give_back_push(&state, before.data, after.data);
        for (size_t c = 0; c < count; c++)
            CHECK(channels[c].share >= 0.0f && channels[c].share <= LKU_GIVE_BACK_MOST, "share %f",
                  (double)channels[c].share);
        if (k == 5)
            for (size_t i = 0; i < num_values; i++)
                CHECK(((const lku_s16 *)after.data)[i] == 0, "value %zu is no silence", i);
        drop_block(before);
        drop_block(after);
    }
    drop_block(recent);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        one_round();
    return 0;
}
