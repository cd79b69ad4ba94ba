/* Powers of a spectrum: num_bins complex numbers, real and imaginary part in turn. */
#ifndef LKU_BIN_POWER_H
#define LKU_BIN_POWER_H

#include "s16.h"

LKU_INLINE float lku_bin_power(const lku_f32 *spectrum, size_t bin) {
    const float real = spectrum[2 * bin], imag = spectrum[2 * bin + 1];
    return real * real + imag * imag;
}

/* Returns the mean of a bin and its two neighbours; the outermost bins have only one, and stay as they are. */
LKU_INLINE float lku_smooth_power(const lku_f32 *spectrum, size_t num_bins, size_t bin) {
    const float power = lku_bin_power(spectrum, bin);
    if (bin == 0 || bin + 1 == num_bins)
        return power;
    return (lku_bin_power(spectrum, bin - 1) + power + lku_bin_power(spectrum, bin + 1)) / 3.0f;
}

#endif
