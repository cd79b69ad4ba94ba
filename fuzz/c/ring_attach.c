/* A ring attached to any memory, whose other side scribbles over the header: samples may be spoilt, but no call touches
 * a byte outside of the memory. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */

#include "input.h"
#include "ring_buffer.h"

enum { MAX_BYTES = 2048, MAX_SAMPLES = 1200, MAX_CALLS = 40 };

static uint64_t ring_magic(void) {
    /* Static: GCC 13.2 does not align the stack so far under -fsanitize=address. */
    static alignas(LKU_RING_ALIGNMENT) unsigned char memory[sizeof(lku_ring_header) + sizeof(int16_t)];
    lku_ring ring;
    CHECK(lku_ring_init(&ring, memory, sizeof memory, 1));
    return ring.header->magic;
}

static void check_regions(const lku_ring *ring, const lku_ring_regions *regions, size_t asked, size_t given) {
    CHECK(given <= asked && given <= ring->capacity);
    CHECK(regions->num_first + regions->num_second == given);
    CHECK(regions->first >= ring->samples && regions->first + regions->num_first <= ring->samples + ring->capacity);
    CHECK(regions->num_second == 0 || regions->second == ring->samples);
}

static void call(input *in, lku_ring *ring) {
    const size_t num_samples = take_below(in, MAX_SAMPLES);
    lku_ring_regions regions;
    lku_s16 *samples = make_memory(num_samples * sizeof(int16_t));
    memset(samples, 0, num_samples * sizeof(int16_t));
    switch (take_below(in, 6)) {
    case 0:
        CHECK(lku_ring_write(ring, samples, num_samples) <= num_samples);
        break;
    case 1:
        CHECK(lku_ring_read(ring, samples, num_samples) <= num_samples);
        break;
    case 2: {
        const size_t given = lku_ring_acquire_write(ring, num_samples, &regions);
        check_regions(ring, &regions, num_samples, given);
        memset(regions.first, 1, regions.num_first * sizeof(int16_t));
        memset(regions.second, 1, regions.num_second * sizeof(int16_t));
        lku_ring_commit_write(ring, take_below(in, given + 1));
        break;
    }
    case 3: {
        const size_t given = lku_ring_acquire_read(ring, num_samples, &regions);
        check_regions(ring, &regions, num_samples, given);
        memcpy(samples, regions.first, regions.num_first * sizeof(int16_t));
        lku_ring_commit_read(ring, take_below(in, given + 1));
        break;
    }
    case 4: /* the other side */
        take(in, (unsigned char *)ring->header + take_below(in, sizeof(lku_ring_header) - 16), 16);
        break;
    default:
        CHECK(lku_ring_readable(ring) <= ring->capacity);
        CHECK(lku_ring_writable(ring) <= ring->capacity);
    }
    free(samples);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes) {
    input in = {data, num_bytes};
    const size_t size = take_below(&in, MAX_BYTES);
    const size_t shift = take_below(&in, 8) ? 0 : take_below(&in, LKU_RING_ALIGNMENT);
    void *memory;
    CHECK(posix_memalign(&memory, LKU_RING_ALIGNMENT, size + shift) == 0);
    unsigned char *start = (unsigned char *)memory + shift;
    memset(memory, 0, size + shift);

    take(&in, start, take_below(&in, size + 1));
    if (size >= sizeof(lku_ring_header) && shift == 0) {
        lku_ring_header *header = memory;
        if (take_below(&in, 8))
            header->magic = ring_magic();
        if (take_below(&in, 8))
            header->capacity = (uint64_t)1 << take_below(&in, 64);
        else if (take_below(&in, 2))
            header->capacity = take_u64(&in);
        if (take_below(&in, 4))
            header->capacity = (uint64_t)1 << take_below(&in, 10);
    }

    lku_ring ring;
    if (lku_ring_attach(&ring, start, size)) {
        CHECK(shift == 0 && sizeof(lku_ring_header) + ring.capacity * sizeof(int16_t) <= size);
        for (size_t calls = take_below(&in, MAX_CALLS); calls > 0; calls--)
            call(&in, &ring);
    }
    free(memory);
    return 0;
}
