#include "ring_buffer.h"

#include <string.h>

#if ATOMIC_LLONG_LOCK_FREE != 2
#error "the ring buffer needs lock-free 64-bit atomics"
#endif

static const uint64_t MAGIC = 0x31474e4952554b4cu; /* "LKURING1" in memory on a little-endian machine */

static bool is_capacity(uint64_t capacity) {
    return capacity > 0 && capacity <= LKU_RING_MAX_CAPACITY && (capacity & (capacity - 1)) == 0;
}

size_t lku_ring_num_bytes(size_t capacity) {
    return is_capacity(capacity) ? sizeof(lku_ring_header) + capacity * sizeof(int16_t) : 0;
}

static void set_handle(lku_ring *ring, void *memory, uint64_t capacity) {
    ring->header = memory;
    ring->samples = (lku_s16 *)((unsigned char *)memory + sizeof(lku_ring_header));
    ring->capacity = capacity;
}

bool lku_ring_init(lku_ring *ring, void *memory, size_t num_bytes, size_t capacity) {
    const size_t needed = lku_ring_num_bytes(capacity);
    if (needed == 0 || num_bytes < needed || (uintptr_t)memory % LKU_RING_ALIGNMENT != 0)
        return false;
    set_handle(ring, memory, capacity);
    lku_ring_header *header = ring->header;
    atomic_init(&header->written, 0);
    atomic_init(&header->overruns, 0);
    atomic_init(&header->overrun_samples, 0);
    atomic_init(&header->read, 0);
    atomic_init(&header->underruns, 0);
    atomic_init(&header->underrun_samples, 0);
    atomic_init(&header->syncs, 0);
    header->capacity = capacity;
    header->magic = MAGIC;
    return true;
}

bool lku_ring_attach(lku_ring *ring, void *memory, size_t num_bytes) {
    if ((uintptr_t)memory % LKU_RING_ALIGNMENT != 0 || num_bytes < sizeof(lku_ring_header))
        return false;
    const lku_ring_header *header = memory;
    const uint64_t capacity = header->capacity; /* read once: the peer may be hostile or broken */
    if (header->magic != MAGIC || !is_capacity(capacity) || num_bytes < lku_ring_num_bytes((size_t)capacity))
        return false;
    set_handle(ring, memory, capacity);
    return true;
}

/* The fill as `written - read`, never above the capacity whatever the shared memory says. */
static uint64_t fill(const lku_ring *ring, uint64_t written, uint64_t read) {
    const uint64_t n = written - read;
    return n < ring->capacity ? n : ring->capacity;
}

size_t lku_ring_readable(const lku_ring *ring) {
    /* `read` first: between the two loads the fill can then only have grown, never gone negative. */
    const uint64_t read = atomic_load_explicit(&ring->header->read, memory_order_acquire);
    const uint64_t written = atomic_load_explicit(&ring->header->written, memory_order_acquire);
    return (size_t)fill(ring, written, read);
}

size_t lku_ring_writable(const lku_ring *ring) {
    return (size_t)ring->capacity - lku_ring_readable(ring);
}

static size_t set_regions(const lku_ring *ring, uint64_t position, uint64_t num_samples, lku_ring_regions *regions) {
    const uint64_t start = position & (ring->capacity - 1);
    const uint64_t to_end = ring->capacity - start;
    regions->first = ring->samples + start;
    regions->num_first = (size_t)(num_samples < to_end ? num_samples : to_end);
    regions->second = ring->samples;
    regions->num_second = (size_t)num_samples - regions->num_first;
    return (size_t)num_samples;
}

size_t lku_ring_acquire_write(const lku_ring *ring, size_t num_samples, lku_ring_regions *regions) {
    const uint64_t written = atomic_load_explicit(&ring->header->written, memory_order_relaxed);
    /* Acquire: the reader has finished copying out of the room that it freed before we fill it again. */
    const uint64_t read = atomic_load_explicit(&ring->header->read, memory_order_acquire);
    const uint64_t room = ring->capacity - fill(ring, written, read);
    return set_regions(ring, written, num_samples < room ? num_samples : room, regions);
}

void lku_ring_commit_write(lku_ring *ring, size_t num_samples) {
    const uint64_t written = atomic_load_explicit(&ring->header->written, memory_order_relaxed);
    /* Release: the samples are in the ring before the reader sees the new position. */
    atomic_store_explicit(&ring->header->written, written + num_samples, memory_order_release);
}

size_t lku_ring_acquire_read(const lku_ring *ring, size_t num_samples, lku_ring_regions *regions) {
    const uint64_t read = atomic_load_explicit(&ring->header->read, memory_order_relaxed);
    /* Acquire: pairs with the release in lku_ring_commit_write. */
    const uint64_t written = atomic_load_explicit(&ring->header->written, memory_order_acquire);
    const uint64_t available = fill(ring, written, read);
    return set_regions(ring, read, num_samples < available ? num_samples : available, regions);
}

void lku_ring_commit_read(lku_ring *ring, size_t num_samples) {
    const uint64_t read = atomic_load_explicit(&ring->header->read, memory_order_relaxed);
    /* Release: the samples are copied out before the writer sees the room. */
    atomic_store_explicit(&ring->header->read, read + num_samples, memory_order_release);
}

/* A counter has one writing side, so a plain increment is enough; atomic only for whoever looks at it. */
static void count(_Atomic uint64_t *counter, uint64_t n) {
    const uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + n, memory_order_relaxed);
}

size_t lku_ring_write(lku_ring *ring, const lku_s16 *in, size_t num_samples) {
    lku_ring_regions regions;
    const size_t n = lku_ring_acquire_write(ring, num_samples, &regions);
    if (regions.num_first > 0)
        memcpy(regions.first, in, regions.num_first * sizeof(int16_t));
    if (regions.num_second > 0)
        memcpy(regions.second, in + regions.num_first, regions.num_second * sizeof(int16_t));
    lku_ring_commit_write(ring, n);
    if (n < num_samples) {
        count(&ring->header->overruns, 1);
        count(&ring->header->overrun_samples, num_samples - n);
    }
    return n;
}

size_t lku_ring_read(lku_ring *ring, lku_s16 *out, size_t num_samples) {
    lku_ring_regions regions;
    const size_t n = lku_ring_acquire_read(ring, num_samples, &regions);
    if (regions.num_first > 0)
        memcpy(out, regions.first, regions.num_first * sizeof(int16_t));
    if (regions.num_second > 0)
        memcpy(out + regions.num_first, regions.second, regions.num_second * sizeof(int16_t));
    lku_ring_commit_read(ring, n);
    if (n < num_samples) {
        count(&ring->header->underruns, 1);
        count(&ring->header->underrun_samples, num_samples - n);
    }
    return n;
}

void lku_ring_sync(lku_ring *ring) {
    /* Not a fence, which the thread sanitizer does not know: the calls of both sides are in one order, because they
     * change one word, and each acquires what the ones before it released. */
    atomic_fetch_add_explicit(&ring->header->syncs, 1, memory_order_acq_rel);
}
