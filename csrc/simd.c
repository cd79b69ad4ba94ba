#include "simd.h"

lku_simd lku_simd_detect(void) {
#if LKU_HAS_TARGETS
    /* __builtin_cpu_supports also asks the operating system whether it saves the wide registers. */
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return LKU_SIMD_AVX512;
    if (__builtin_cpu_supports("avx2"))
        return LKU_SIMD_AVX2;
#endif
    return LKU_SIMD_BASELINE;
}
