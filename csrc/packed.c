#include "packed.h"

#if LKU_HAS_TARGETS
#include "packed_x86.h"
#endif

#define ROW uint8_t *LKU_RESTRICT
#define SOURCE const uint8_t *LKU_RESTRICT

LKU_INLINE void split2_body(SOURCE in, size_t num_pixels, ROW a, ROW b) {
    for (size_t i = 0; i < num_pixels; i++) {
        a[i] = in[2 * i];
        b[i] = in[2 * i + 1];
    }
}

LKU_INLINE void split3_body(SOURCE in, size_t num_pixels, ROW a, ROW b, ROW c) {
    for (size_t i = 0; i < num_pixels; i++) {
        a[i] = in[3 * i];
        b[i] = in[3 * i + 1];
        c[i] = in[3 * i + 2];
    }
}

LKU_INLINE void split4_body(SOURCE in, size_t num_pixels, ROW a, ROW b, ROW c, ROW d) {
    for (size_t i = 0; i < num_pixels; i++) {
        a[i] = in[4 * i];
        b[i] = in[4 * i + 1];
        c[i] = in[4 * i + 2];
        d[i] = in[4 * i + 3];
    }
}

LKU_INLINE void merge2_body(SOURCE a, SOURCE b, size_t num_pixels, ROW out) {
    for (size_t i = 0; i < num_pixels; i++) {
        out[2 * i] = a[i];
        out[2 * i + 1] = b[i];
    }
}

LKU_INLINE void merge3_body(SOURCE a, SOURCE b, SOURCE c, size_t num_pixels, ROW out) {
    for (size_t i = 0; i < num_pixels; i++) {
        out[3 * i] = a[i];
        out[3 * i + 1] = b[i];
        out[3 * i + 2] = c[i];
    }
}

LKU_INLINE void merge4_body(SOURCE a, SOURCE b, SOURCE c, SOURCE d, size_t num_pixels, ROW out) {
    for (size_t i = 0; i < num_pixels; i++) {
        out[4 * i] = a[i];
        out[4 * i + 1] = b[i];
        out[4 * i + 2] = c[i];
        out[4 * i + 3] = d[i];
    }
}

LKU_KERNEL_VARIANTS(split2, (SOURCE in, size_t num_pixels, ROW a, ROW b), (in, num_pixels, a, b))
LKU_KERNEL_VARIANTS(split3, (SOURCE in, size_t num_pixels, ROW a, ROW b, ROW c), (in, num_pixels, a, b, c))
LKU_KERNEL_VARIANTS(split4, (SOURCE in, size_t num_pixels, ROW a, ROW b, ROW c, ROW d), (in, num_pixels, a, b, c, d))
LKU_KERNEL_VARIANTS(merge2, (SOURCE a, SOURCE b, size_t num_pixels, ROW out), (a, b, num_pixels, out))
LKU_KERNEL_VARIANTS(merge3, (SOURCE a, SOURCE b, SOURCE c, size_t num_pixels, ROW out), (a, b, c, num_pixels, out))
LKU_KERNEL_VARIANTS(merge4, (SOURCE a, SOURCE b, SOURCE c, SOURCE d, size_t num_pixels, ROW out),
                    (a, b, c, d, num_pixels, out))

void lku_split2(lku_simd simd, const uint8_t *in, size_t num_pixels, uint8_t *const out[2]) {
    LKU_KERNEL_CALL(split2, simd, (in, num_pixels, out[0], out[1]));
}

void lku_split3(lku_simd simd, const uint8_t *in, size_t num_pixels, uint8_t *const out[3]) {
    LKU_KERNEL_CALL(split3, simd, (in, num_pixels, out[0], out[1], out[2]));
}

void lku_split4(lku_simd simd, const uint8_t *in, size_t num_pixels, uint8_t *const out[4]) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_split4_avx2(in, num_pixels, out);
#endif
    if (done < num_pixels)
        LKU_KERNEL_CALL(split4, simd,
                        (in + 4 * done, num_pixels - done, out[0] + done, out[1] + done, out[2] + done, out[3] + done));
}

void lku_merge2(lku_simd simd, const uint8_t *const in[2], size_t num_pixels, uint8_t *out) {
    LKU_KERNEL_CALL(merge2, simd, (in[0], in[1], num_pixels, out));
}

void lku_merge3(lku_simd simd, const uint8_t *const in[3], size_t num_pixels, uint8_t *out) {
    size_t done = 0;
#if LKU_HAS_TARGETS
    if (simd != LKU_SIMD_BASELINE)
        done = lku_merge3_avx2(in, num_pixels, out);
#endif
    if (done < num_pixels)
        LKU_KERNEL_CALL(merge3, simd, (in[0] + done, in[1] + done, in[2] + done, num_pixels - done, out + 3 * done));
}

void lku_merge4(lku_simd simd, const uint8_t *const in[4], size_t num_pixels, uint8_t *out) {
    LKU_KERNEL_CALL(merge4, simd, (in[0], in[1], in[2], in[3], num_pixels, out));
}
