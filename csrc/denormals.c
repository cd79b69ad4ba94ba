#include "denormals.h"

#if defined(__x86_64__) || defined(_M_X64)

#include <immintrin.h>

/* Results are flushed to zero, and denormal inputs are zeros. */
enum { FLUSH_TO_ZERO = 0x8000, ARE_ZEROS = 0x0040 };

uint64_t lku_denormals_flush(void) {
    const unsigned int mode = _mm_getcsr();
    _mm_setcsr(mode | FLUSH_TO_ZERO | ARE_ZEROS);
    return mode;
}

void lku_denormals_restore(uint64_t mode) {
    _mm_setcsr((unsigned int)mode);
}

#elif defined(__aarch64__) && defined(__GNUC__)

/* FZ of FPCR: both. */
enum { FLUSH = 1 << 24 };

uint64_t lku_denormals_flush(void) {
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    __asm__ volatile("msr fpcr, %0" : : "r"(mode | FLUSH));
    return mode;
}

void lku_denormals_restore(uint64_t mode) {
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
}

#else

uint64_t lku_denormals_flush(void) {
    return 0;
}

void lku_denormals_restore(uint64_t mode) {
    (void)mode;
}

#endif
