/* A ring of int16 samples between one writer and one reader, without locks.
 *
 * Contract
 *   - One thread (or process) writes, one reads; they may be the same. Each function below belongs to one side.
 *   - The capacity is a power of two, in samples.
 *   - The caller supplies the memory, aligned to 64 bytes, lku_ring_num_bytes() of it, and keeps it for as long as
 *     any handle is used. It may be shared between processes: it holds no pointers.
 *   - A handle (lku_ring) belongs to one process. It keeps its own copy of the capacity, and every position is
 *     masked with it, so that a peer that scribbles over the header can spoil samples but never the process.
 *   - No call waits, allocates or fails half-way.
 *
 * Both positions count samples since the start and never wrap within 2^64, so `written - read` is the fill and a
 * full ring differs from an empty one. The writer publishes samples by storing `written` with release after it has
 * copied them; the reader loads it with acquire before it looks at them; and the other way round for the room that
 * the reader frees.
 */
#ifndef LKU_RING_BUFFER_H
#define LKU_RING_BUFFER_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "s16.h"

#define LKU_RING_ALIGNMENT 64
#define LKU_RING_MAX_CAPACITY ((size_t)1 << 40)

/* In the shared memory. Each side writes a cache line of its own, so that their positions do not slow each other down. */
typedef struct lku_ring_header {
    alignas(LKU_RING_ALIGNMENT) _Atomic uint64_t written; /* writer's line */
    _Atomic uint64_t overruns;                            /* calls of lku_ring_write that did not fit */
    _Atomic uint64_t overrun_samples;                     /* samples that they left out */
    alignas(LKU_RING_ALIGNMENT) _Atomic uint64_t read;    /* reader's line */
    _Atomic uint64_t underruns;                           /* calls of lku_ring_read that came up short */
    _Atomic uint64_t underrun_samples;                    /* samples that they were short of */
    alignas(LKU_RING_ALIGNMENT) uint64_t magic; /* this and the capacity: constant after lku_ring_init */
    uint64_t capacity;
    _Atomic uint64_t syncs; /* calls of lku_ring_sync: the one word that both sides write */
} lku_ring_header;

/* Of this process. */
typedef struct lku_ring {
    lku_ring_header *header;
    lku_s16 *samples;
    uint64_t capacity;
} lku_ring;

/* A stretch of the ring; the second one follows the first where the ring wraps, and is empty where it does not. */
typedef struct lku_ring_regions {
    lku_s16 *first;
    size_t num_first;
    lku_s16 *second;
    size_t num_second;
} lku_ring_regions;

/* Bytes of memory for a ring, or 0 where the capacity is no power of two or above LKU_RING_MAX_CAPACITY. */
size_t lku_ring_num_bytes(size_t capacity);

/* Lays an empty ring into memory; false where the capacity or the alignment is wrong. Before either side starts. */
bool lku_ring_init(lku_ring *ring, void *memory, size_t num_bytes, size_t capacity);

/* Finds the ring that lku_ring_init laid into the same memory; false where there is none that fits. */
bool lku_ring_attach(lku_ring *ring, void *memory, size_t num_bytes);

/* Samples to read, and room to write, as one side sees them now: its own call can only find more. */
size_t lku_ring_readable(const lku_ring *ring);
size_t lku_ring_writable(const lku_ring *ring);

/* Writer: room for up to num_samples, to be filled in order; then commit what was filled. */
size_t lku_ring_acquire_write(const lku_ring *ring, size_t num_samples, lku_ring_regions *regions);
void lku_ring_commit_write(lku_ring *ring, size_t num_samples);

/* Reader: up to num_samples, in order; then commit what is done with. */
size_t lku_ring_acquire_read(const lku_ring *ring, size_t num_samples, lku_ring_regions *regions);
void lku_ring_commit_read(lku_ring *ring, size_t num_samples);

/* Copying versions. They return how many samples moved and count what did not. */
size_t lku_ring_write(lku_ring *ring, const lku_s16 *in, size_t num_samples);
size_t lku_ring_read(lku_ring *ring, lku_s16 *out, size_t num_samples);

/* Either side: the later of two calls by the two sides sees everything that the other side stored before its own call,
 * in the ring and in words beside it. Where each side stores a value and then looks at the other side's value, a call
 * in between makes sure that at least one of them sees the other's: neither release and acquire nor x86 do. */
void lku_ring_sync(lku_ring *ring);

#endif
