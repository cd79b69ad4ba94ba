/* Random numbers that can be repeated, blocks of exactly as many bytes as needed, and comparisons. */
#ifndef TESTING_H
#define TESTING_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simd.h"

static uint64_t random_state;

static inline void start(int argc, char **argv) {
    random_state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    printf("seed %llu\n", (unsigned long long)random_state);
    fflush(stdout);
}

/* splitmix64 */
static inline uint64_t random_u64(void) {
    uint64_t z = (random_state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline size_t random_below(size_t limit) {
    return (size_t)(random_u64() % limit);
}

static inline int16_t random_s16(void) {
    static const int16_t extremes[] = {-32768, -32767, -1, 0, 1, 32766, 32767};
    if (random_below(4) == 0)
        return extremes[random_below(sizeof extremes / sizeof *extremes)];
    return (int16_t)((int32_t)random_below(65536) - 32768);
}

/* Mostly around the edges of vectors and tiles. */
static inline size_t random_size(size_t limit) {
    static const size_t edges[] = {0, 1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096};
    if (random_below(3) == 0)
        return random_below(limit + 1);
    const size_t size = edges[random_below(sizeof edges / sizeof *edges)] + random_below(5);
    const size_t shifted = size < 2 ? size : size - 2;
    return shifted < limit ? shifted : limit;
}

/* A block that ends where its last byte does, at any address: one byte further belongs to the sanitizer. */
typedef struct block {
    unsigned char *memory;
    void *data;
    size_t num_bytes;
} block;

static inline block make_block(size_t num_bytes) {
    const size_t offset = random_below(8);
    block made = {malloc(num_bytes + offset + (num_bytes + offset == 0)), NULL, num_bytes};
    if (made.memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(2);
    }
    made.data = made.memory + offset;
    memset(made.data, 0x55, num_bytes);
    return made;
}

static inline block make_noise(size_t num_samples) {
    block made = make_block(num_samples * sizeof(int16_t));
    lku_s16 *samples = made.data;
    for (size_t i = 0; i < num_samples; i++)
        samples[i] = random_s16();
    return made;
}

static inline void drop_block(block used) {
    free(used.memory);
}

#define CHECK(condition, ...)                                                        \
    do {                                                                             \
        if (!(condition)) {                                                          \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);          \
            fprintf(stderr, __VA_ARGS__);                                            \
            fputc('\n', stderr);                                                     \
            exit(1);                                                                 \
        }                                                                            \
    } while (0)

static inline int32_t clamp_s16(int64_t value) {
    return (int32_t)(value < -32768 ? -32768 : value > 32767 ? 32767 : value);
}

static inline int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* For every level that this machine has. */
#define FOR_EACH_SIMD(level) \
    for (lku_simd level = LKU_SIMD_BASELINE, best_##level = lku_simd_detect(); level <= best_##level; level++)

#endif
