/* Two threads, one ring: a counted row of samples goes through, by copies and by regions, and every one is checked.
 * The counts are modest, because this also runs under the thread sanitizer. */
#include <pthread.h>
#include <sched.h>

#include "ring_buffer.h"
#include "testing.h"

enum { MAX_BURST = 700 };

static int16_t value_at(uint64_t position) {
    return (int16_t)(int32_t)((position * 40503u) % 65536u - 32768u);
}

/* Each thread has its own, because random_u64 keeps a global state. */
static size_t next_burst(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return 1 + (*state >> 16) % MAX_BURST;
}

typedef struct side {
    lku_ring ring;
    uint64_t total;
    uint32_t seed;
} side;

static void *write_all(void *argument) {
    side *self = argument;
    int16_t burst[MAX_BURST];
    for (uint64_t position = 0; position < self->total;) {
        size_t n = next_burst(&self->seed), moved;
        n = n < self->total - position ? n : (size_t)(self->total - position);
        if (n % 2) {
            for (size_t i = 0; i < n; i++)
                burst[i] = value_at(position + i);
            moved = lku_ring_write(&self->ring, burst, n);
        } else {
            lku_ring_regions regions;
            moved = lku_ring_acquire_write(&self->ring, n, &regions);
            for (size_t i = 0; i < regions.num_first; i++)
                regions.first[i] = value_at(position + i);
            for (size_t i = 0; i < regions.num_second; i++)
                regions.second[i] = value_at(position + regions.num_first + i);
            lku_ring_commit_write(&self->ring, moved);
        }
        position += moved;
        if (moved == 0)
            sched_yield();
    }
    return NULL;
}

static void *read_all(void *argument) {
    side *self = argument;
    int16_t burst[MAX_BURST];
    for (uint64_t position = 0; position < self->total;) {
        const size_t n = next_burst(&self->seed);
        size_t moved;
        if (n % 2) {
            moved = lku_ring_read(&self->ring, burst, n);
            for (size_t i = 0; i < moved; i++)
                CHECK(burst[i] == value_at(position + i), "read: sample %llu", (unsigned long long)(position + i));
        } else {
            lku_ring_regions regions;
            moved = lku_ring_acquire_read(&self->ring, n, &regions);
            for (size_t i = 0; i < moved; i++) {
                const int16_t got = i < regions.num_first ? regions.first[i] : regions.second[i - regions.num_first];
                CHECK(got == value_at(position + i), "regions: sample %llu", (unsigned long long)(position + i));
            }
            lku_ring_commit_read(&self->ring, moved);
        }
        position += moved;
        if (moved == 0)
            sched_yield();
    }
    return NULL;
}

/* Each side stores its word and looks at the other's, with lku_ring_sync in between: one of the two must see it. */
enum { NUM_MEETINGS = 20000 };

typedef struct meeting {
    lku_ring ring;
    _Atomic uint32_t words[2];
    _Atomic uint32_t seen[2];
    _Atomic uint32_t arrived;
} meeting;

typedef struct meeting_side {
    meeting *shared;
    uint32_t me;
} meeting_side;

static void wait_for_both(meeting *shared, uint32_t number) {
    atomic_fetch_add(&shared->arrived, 1);
    for (uint32_t turns = 1; atomic_load(&shared->arrived) < number; turns++)
        if (turns % 1000 == 0)
            sched_yield(); /* not at once: the two sides are to go on at the same moment */
}

static void *meet(void *argument) {
    const meeting_side *self = argument;
    meeting *shared = self->shared;
    for (uint32_t round = 1; round <= NUM_MEETINGS; round++) {
        wait_for_both(shared, 4 * round - 2);
        atomic_store_explicit(&shared->words[self->me], round, memory_order_relaxed);
        lku_ring_sync(&shared->ring);
        const uint32_t other = atomic_load_explicit(&shared->words[1 - self->me], memory_order_relaxed);
        atomic_store(&shared->seen[self->me], other == round);
        wait_for_both(shared, 4 * round);
        CHECK(atomic_load(&shared->seen[0]) || atomic_load(&shared->seen[1]), "meeting %u", round);
    }
    return NULL;
}

static void check_meetings(void) {
    alignas(LKU_RING_ALIGNMENT) static unsigned char memory[sizeof(lku_ring_header) + 2];
    meeting shared = {.arrived = 0};
    CHECK(lku_ring_init(&shared.ring, memory, sizeof memory, 1), "init");
    meeting_side sides[2] = {{&shared, 0}, {&shared, 1}};
    pthread_t threads[2];
    for (size_t i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, meet, &sides[i]) == 0, "thread");
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv) {
    start(argc, argv);
    static const size_t capacities[] = {1, 64, 1024};
    static const uint64_t totals[] = {50000, 500000, 2000000};
    for (size_t round = 0; round < sizeof capacities / sizeof *capacities; round++) {
        const size_t num_bytes = lku_ring_num_bytes(capacities[round]);
        const size_t rounded = (num_bytes + LKU_RING_ALIGNMENT - 1) / LKU_RING_ALIGNMENT * LKU_RING_ALIGNMENT;
        void *memory = aligned_alloc(LKU_RING_ALIGNMENT, rounded);
        side writer = {.total = totals[round], .seed = (uint32_t)random_u64()};
        side reader = {.total = totals[round], .seed = (uint32_t)random_u64()};
        CHECK(memory != NULL && lku_ring_init(&writer.ring, memory, num_bytes, capacities[round]), "init");
        CHECK(lku_ring_attach(&reader.ring, memory, num_bytes), "attach");
        pthread_t writing, reading;
        CHECK(pthread_create(&writing, NULL, write_all, &writer) == 0, "thread");
        CHECK(pthread_create(&reading, NULL, read_all, &reader) == 0, "thread");
        pthread_join(writing, NULL);
        pthread_join(reading, NULL);
        CHECK(lku_ring_readable(&reader.ring) == 0, "left over");
        free(memory);
    }
    check_meetings();
    return 0;
}
