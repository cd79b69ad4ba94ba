/* Random bytes, taken apart into arguments; zeros follow behind the last byte. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes);

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition);           \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

typedef struct input {
    const uint8_t *data;
    size_t num_bytes;
} input;

static inline void take(input *in, void *to, size_t num_bytes) {
    const size_t n = num_bytes < in->num_bytes ? num_bytes : in->num_bytes;
    if (n > 0)
        memcpy(to, in->data, n);
    if (n < num_bytes)
        memset((uint8_t *)to + n, 0, num_bytes - n);
    in->data += n;
    in->num_bytes -= n;
}

static inline uint64_t take_u64(input *in) {
    uint64_t value;
    take(in, &value, sizeof value);
    return value;
}

static inline size_t take_below(input *in, size_t limit) {
    uint16_t value;
    take(in, &value, sizeof value);
    return value % limit;
}

/* Memory of exactly so many bytes: the next one belongs to the sanitizer. */
static inline void *make_memory(size_t num_bytes) {
    void *memory = malloc(num_bytes > 0 ? num_bytes : 1);
    CHECK(memory != NULL);
    return memory;
}

/* The same, filled from the input. */
static inline void *take_memory(input *in, size_t num_bytes) {
    void *memory = make_memory(num_bytes);
    take(in, memory, num_bytes);
    return memory;
}

#endif
