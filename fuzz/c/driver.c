/* Random inputs for a fuzz target where there is no libFuzzer. Arguments: seconds, seed, and the most inputs (0: any
 * number). An input depends on the seed and its number only. */
#include <time.h>

#include "input.h"

enum { MAX_BYTES = 4096 };

static uint64_t state;

/* splitmix64 */
static uint64_t next(void) {
    uint64_t z = (state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Stretches of random bytes, of small values and of the same byte: extremes are as likely as the middle. */
static void fill(uint8_t *data, size_t num_bytes) {
    static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (size_t done = 0; done < num_bytes;) {
        const uint64_t kind = next() % 4, extreme = extremes[next() % sizeof extremes];
        for (size_t n = 1 + next() % 64; n > 0 && done < num_bytes; n--, done++) {
            const uint64_t value = kind < 2 ? next() : kind == 2 ? next() % 16 : extreme;
            data[done] = (uint8_t)value;
        }
    }
}

int main(int argc, char **argv) {
    const long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    const uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    const uint64_t most = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    const time_t begin = time(NULL);
    uint64_t done = 0;

    while (most > 0 ? done < most : time(NULL) - begin < seconds) {
        state = seed + (done << 32);
        const size_t num_bytes = next() % 3 ? next() % 256 : next() % MAX_BYTES;
        uint8_t *data = make_memory(num_bytes);
        fill(data, num_bytes);
        LLVMFuzzerTestOneInput(data, num_bytes);
        free(data);
        done++;
    }
    printf("%llu inputs of seed %llu\n", (unsigned long long)done, (unsigned long long)seed);
    return 0;
}
