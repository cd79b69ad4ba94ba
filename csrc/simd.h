/* One binary, several instruction sets.
 *
 * A kernel is one inline function in plain C. LKU_KERNEL_VARIANTS compiles it once per instruction set (the
 * compiler inlines and vectorises it anew in each), and LKU_KERNEL_CALL picks one at run time. All variants are
 * the same source in integer arithmetic, or in floating point without contraction, so they agree to the bit.
 *
 * The level is an argument, not a global: whoever calls decides, and a test can run all of them in one process.
 * Off x86-64, or with a compiler without function targets, every level is the baseline, which on aarch64
 * already means NEON.
 */
#ifndef LKU_SIMD_H
#define LKU_SIMD_H

#include "s16.h"

typedef enum lku_simd {
    LKU_SIMD_BASELINE = 0, /* what every machine of this architecture has: SSE2, NEON */
    LKU_SIMD_AVX2 = 1,
    LKU_SIMD_AVX512 = 2 /* F, BW, DQ and VL: 64-bit multiply, shift and minimum; see setup.py for its registers */
} lku_simd;

/* The best level that this machine and its operating system support. */
lku_simd lku_simd_detect(void);

/* Before a loop: no pass reads what another one writes. Compilers find out by themselves, but not for many pointers. */
#if defined(__clang__)
#define LKU_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LKU_INDEPENDENT _Pragma("GCC ivdep")
#else
#define LKU_INDEPENDENT
#endif

#if defined(__x86_64__) && defined(__GNUC__)
#define LKU_HAS_TARGETS 1
#define LKU_TARGET_AVX2 __attribute__((target("avx2")))
#define LKU_TARGET_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

/* Defines NAME_baseline, NAME_avx2 and NAME_avx512 from the inline function NAME_body. */
#define LKU_KERNEL_VARIANTS(name, parameters, arguments)                                       \
    static void name##_baseline parameters { name##_body arguments; }                          \
    LKU_TARGET_AVX2 static void name##_avx2 parameters { name##_body arguments; }              \
    LKU_TARGET_AVX512 static void name##_avx512 parameters { name##_body arguments; }

#define LKU_KERNEL_CALL(name, simd, arguments)                                                 \
    do {                                                                                       \
        switch (simd) {                                                                        \
        case LKU_SIMD_AVX512: name##_avx512 arguments; break;                                  \
        case LKU_SIMD_AVX2: name##_avx2 arguments; break;                                      \
        case LKU_SIMD_BASELINE:                                                                \
        default: name##_baseline arguments; break;                                             \
        }                                                                                      \
    } while (0)
#else
#define LKU_HAS_TARGETS 0
#define LKU_KERNEL_VARIANTS(name, parameters, arguments)                                       \
    static void name##_baseline parameters { name##_body arguments; }
#define LKU_KERNEL_CALL(name, simd, arguments)                                                 \
    do {                                                                                       \
        (void)(simd);                                                                          \
        name##_baseline arguments;                                                             \
    } while (0)
#endif

#endif
