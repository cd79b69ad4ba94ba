#include "ring_buffer.h"
#include "testing.h"

enum { ROUNDS = 300, STEPS = 200, ABSENT = 0x5555 };

static void *make_memory(size_t num_bytes) {
    /* A multiple of the alignment, as aligned_alloc wants it; the samples of the smallest rings end before. */
    const size_t rounded = (num_bytes + LKU_RING_ALIGNMENT - 1) / LKU_RING_ALIGNMENT * LKU_RING_ALIGNMENT;
    void *memory = aligned_alloc(LKU_RING_ALIGNMENT, rounded);
    CHECK(memory != NULL, "out of memory");
    return memory;
}

/* Both positions count every sample ever moved, and a sample's value is its number. */
static void test_against_counts(size_t capacity) {
    const size_t num_bytes = lku_ring_num_bytes(capacity);
    void *memory = make_memory(num_bytes);
    lku_ring writer, reader;
    CHECK(lku_ring_init(&writer, memory, num_bytes, capacity), "%zu", capacity);
    CHECK(lku_ring_attach(&reader, memory, num_bytes), "%zu", capacity);
    uint64_t written = 0, read = 0, over = 0, under = 0;
    for (int step = 0; step < STEPS; step++) {
        const size_t n = random_below(2 * capacity + 2), fill = (size_t)(written - read), room = capacity - fill;
        lku_ring_regions regions;
        block data = make_block(n * sizeof(int16_t));
        lku_s16 *samples = data.data;
        size_t moved;
        switch (random_below(4)) {
        case 0:
            for (size_t i = 0; i < n; i++)
                samples[i] = (int16_t)((written + i) & 0x7fff);
            moved = lku_ring_write(&writer, samples, n);
            CHECK(moved == (n < room ? n : room), "%zu of %zu", moved, n);
            over += n - moved;
            written += moved;
            break;
        case 1:
            moved = lku_ring_read(&reader, samples, n);
            CHECK(moved == (n < fill ? n : fill), "%zu of %zu", moved, n);
            for (size_t i = 0; i < n; i++)
                CHECK(samples[i] == (i < moved ? (int16_t)((read + i) & 0x7fff) : ABSENT), "sample %zu", i);
            under += n - moved;
            read += moved;
            break;
        case 2:
            moved = lku_ring_acquire_write(&writer, n, &regions);
            CHECK(moved == (n < room ? n : room) && moved == regions.num_first + regions.num_second, "%zu", moved);
            for (size_t i = 0; i < regions.num_first; i++)
                regions.first[i] = (int16_t)((written + i) & 0x7fff);
            for (size_t i = 0; i < regions.num_second; i++)
                regions.second[i] = (int16_t)((written + regions.num_first + i) & 0x7fff);
            moved = random_below(moved + 1);
            lku_ring_commit_write(&writer, moved);
            written += moved;
            break;
        default:
            moved = lku_ring_acquire_read(&reader, n, &regions);
            CHECK(moved == (n < fill ? n : fill) && moved == regions.num_first + regions.num_second, "%zu", moved);
            for (size_t i = 0; i < regions.num_first; i++)
                CHECK(regions.first[i] == (int16_t)((read + i) & 0x7fff), "sample %zu", i);
            for (size_t i = 0; i < regions.num_second; i++)
                CHECK(regions.second[i] == (int16_t)((read + regions.num_first + i) & 0x7fff), "sample %zu", i);
            moved = random_below(moved + 1);
            lku_ring_commit_read(&reader, moved);
            read += moved;
        }
        CHECK(lku_ring_readable(&reader) == written - read, "step %d", step);
        CHECK(lku_ring_writable(&writer) == capacity - (written - read), "step %d", step);
        drop_block(data);
    }
    CHECK(writer.header->overrun_samples == over && reader.header->underrun_samples == under, "counters");
    free(memory);
}

/* Whatever the header says, nothing outside the samples is touched. */
static void test_scribbled_header(void) {
    enum { CAPACITY = 32 };
    const size_t num_bytes = lku_ring_num_bytes(CAPACITY);
    void *memory = make_memory(num_bytes);
    lku_ring ring;
    CHECK(lku_ring_init(&ring, memory, num_bytes, CAPACITY), "init");
    for (int step = 0; step < 20000; step++) {
        ring.header->written = random_below(2) ? random_u64() : random_below(100);
        ring.header->read = random_below(2) ? random_u64() : random_below(100);
        ring.header->capacity = random_u64();
        lku_ring_regions regions;
        block data = make_noise(random_below(100));
        const size_t n = data.num_bytes / sizeof(int16_t);
        CHECK(lku_ring_readable(&ring) <= CAPACITY && lku_ring_writable(&ring) <= CAPACITY, "step %d", step);
        CHECK(lku_ring_write(&ring, data.data, n) <= CAPACITY, "step %d", step);
        CHECK(lku_ring_read(&ring, data.data, n) <= CAPACITY, "step %d", step);
        CHECK(lku_ring_acquire_write(&ring, n, &regions) <= CAPACITY, "step %d", step);
        CHECK(regions.first + regions.num_first <= ring.samples + CAPACITY && regions.num_second <= CAPACITY, "write");
        CHECK(lku_ring_acquire_read(&ring, n, &regions) <= CAPACITY, "step %d", step);
        CHECK(regions.first + regions.num_first <= ring.samples + CAPACITY && regions.num_second <= CAPACITY, "read");
        drop_block(data);
    }
    free(memory);
}

static void test_refusals(void) {
    CHECK(lku_ring_num_bytes(0) == 0 && lku_ring_num_bytes(3) == 0 && lku_ring_num_bytes(1) != 0, "capacity");
    CHECK(lku_ring_num_bytes(LKU_RING_MAX_CAPACITY) != 0 && lku_ring_num_bytes(2 * LKU_RING_MAX_CAPACITY) == 0, "most");
    const size_t num_bytes = lku_ring_num_bytes(64);
    unsigned char *memory = make_memory(num_bytes + LKU_RING_ALIGNMENT);
    memset(memory, 0, num_bytes + LKU_RING_ALIGNMENT);
    lku_ring ring;
    CHECK(!lku_ring_attach(&ring, memory, num_bytes), "nothing there yet");
    CHECK(!lku_ring_init(&ring, memory, num_bytes - 1, 64), "one byte short");
    CHECK(!lku_ring_init(&ring, memory + 2, num_bytes, 64), "not aligned");
    CHECK(!lku_ring_init(&ring, memory, num_bytes, 63), "no power of two");
    CHECK(lku_ring_init(&ring, memory, num_bytes, 64), "fits");
    CHECK(lku_ring_attach(&ring, memory, num_bytes), "is there");
    CHECK(!lku_ring_attach(&ring, memory, num_bytes - 1), "one byte short");
    CHECK(!lku_ring_attach(&ring, memory, 10), "no header");
    CHECK(!lku_ring_attach(&ring, memory + 32, num_bytes), "not aligned");
    ring.header->capacity = 128;
    CHECK(!lku_ring_attach(&ring, memory, num_bytes), "larger than its memory");
    free(memory);
}

int main(int argc, char **argv) {
    start(argc, argv);
    for (int round = 0; round < ROUNDS; round++)
        test_against_counts((size_t)1 << random_below(10));
    test_scribbled_header();
    test_refusals();
    return 0;
}
