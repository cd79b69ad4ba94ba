#include "scale.h"

#include <string.h>

enum { MAX_U10 = 1023 };

static int is_box(lku_scale_filter filter, size_t from, size_t to) {
    return filter == LKU_SCALE_BOX || (filter == LKU_SCALE_AUTO && to <= from);
}

uint32_t lku_scale_total(lku_scale_filter filter, size_t from, size_t to) {
    return (uint32_t)(is_box(filter, from, to) ? from : 2 * to);
}

lku_scale_window lku_scale_window_at(lku_scale_filter filter, size_t from, size_t to, size_t i) {
    lku_scale_window window;
    if (is_box(filter, from, to)) {
        /* In units of which an old pixel has `to` and a new one `from`. */
        const uint64_t begin = (uint64_t)i * from, end = begin + from;
        const uint64_t first = begin / to, last = (end - 1) / to;
        window.first = (uint32_t)first;
        window.count = (uint32_t)(last - first + 1);
        window.first_weight = (uint32_t)(first == last ? from : (first + 1) * to - begin);
        window.last_weight = (uint32_t)(end - last * to);
        return window;
    }
    /* From the middle of the first old pixel to the middle of the new one, in units of which an old pixel has 2 * to. */
    const uint64_t unit = 2 * (uint64_t)to, middle = (2 * (uint64_t)i + 1) * from;
    const uint64_t place = middle < to ? 0 : middle - to;
    window.first = (uint32_t)(place / unit);
    window.last_weight = (uint32_t)(place % unit);
    window.count = window.last_weight > 0 && window.first + 1 < from ? 2 : 1;
    window.first_weight = (uint32_t)(window.count == 2 ? unit - window.last_weight : unit);
    return window;
}

LKU_INLINE void add_u8_body(const uint8_t *LKU_RESTRICT row, size_t num_values, uint32_t weight,
                            uint32_t *LKU_RESTRICT sums) {
    for (size_t i = 0; i < num_values; i++)
        sums[i] += row[i] * weight;
}

LKU_INLINE void add_u10_body(const lku_u16 *LKU_RESTRICT row, size_t num_values, uint32_t weight,
                             uint32_t *LKU_RESTRICT sums) {
    for (size_t i = 0; i < num_values; i++)
        sums[i] += (row[i] < MAX_U10 ? row[i] : MAX_U10) * weight;
}

LKU_KERNEL_VARIANTS(add_u8,
                    (const uint8_t *LKU_RESTRICT row, size_t num_values, uint32_t weight, uint32_t *LKU_RESTRICT sums),
                    (row, num_values, weight, sums))
LKU_KERNEL_VARIANTS(add_u10,
                    (const lku_u16 *LKU_RESTRICT row, size_t num_values, uint32_t weight, uint32_t *LKU_RESTRICT sums),
                    (row, num_values, weight, sums))

static uint32_t weight_at(const lku_scale_window *window, uint32_t i, uint32_t step) {
    return i == 0 ? window->first_weight : i + 1 == window->count ? window->last_weight : step;
}

/* One row of new pixels from the sums of old ones. `half` is half a unit, `scale` makes a value of twice a sum. */
LKU_INLINE void write_row(const uint32_t *sums, const lku_scale_window *windows, size_t num_pixels, uint32_t step,
                          double half, double scale, size_t num_values, size_t num_bytes, uint8_t *out) {
    for (size_t x = 0; x < num_pixels; x++) {
        const lku_scale_window *window = windows + x;
        for (size_t j = 0; j < num_values; j++) {
            const uint32_t *from = sums + window->first * num_values + j;
            uint64_t sum = (uint64_t)from[0] * window->first_weight;
            for (uint32_t i = 1; i + 1 < window->count; i++)
                sum += (uint64_t)from[i * num_values] * step;
            if (window->count > 1)
                sum += (uint64_t)from[(window->count - 1) * num_values] * window->last_weight;
            const uint32_t value = (uint32_t)((2.0 * (double)sum + half) * scale);
            if (num_bytes == 1)
                out[x * num_values + j] = (uint8_t)value;
            else
                ((lku_u16 *)(void *)out)[x * num_values + j] = (uint16_t)value;
        }
    }
}

void lku_scale_plane(lku_simd simd, lku_scale_filter filter, const lku_plane *from, size_t from_width, size_t from_height,
                     const lku_plane *to, size_t to_width, size_t to_height, size_t num_values, size_t num_bytes,
                     lku_scale_window *windows, uint32_t *sums) {
    const size_t count = from_width * num_values;
    const double total = (double)lku_scale_total(filter, from_width, to_width) *
                         (double)lku_scale_total(filter, from_height, to_height);
    /* A little more than the quotient, and less than to the next sum: so a half is never rounded down. */
    const double scale = (1.0 + 1.0 / ((int64_t)1 << 50)) / (2.0 * total);
    for (size_t x = 0; x < to_width; x++)
        windows[x] = lku_scale_window_at(filter, from_width, to_width, x);
    for (size_t y = 0; y < to_height; y++) {
        const lku_scale_window window = lku_scale_window_at(filter, from_height, to_height, y);
        uint8_t *out = lku_row(to, y);
        memset(sums, 0, count * sizeof *sums);
        for (uint32_t i = 0; i < window.count; i++) {
            const uint8_t *row = lku_row(from, window.first + i);
            const uint32_t weight = weight_at(&window, i, (uint32_t)to_height);
            if (num_bytes == 1)
                LKU_KERNEL_CALL(add_u8, simd, (row, count, weight, sums));
            else
                LKU_KERNEL_CALL(add_u10, simd, ((const lku_u16 *)(const void *)row, count, weight, sums));
        }
        const uint32_t step = (uint32_t)to_width;
        if (num_bytes == 1 && num_values == 1)
            write_row(sums, windows, to_width, step, total, scale, 1, 1, out);
        else if (num_bytes == 1 && num_values == 4)
            write_row(sums, windows, to_width, step, total, scale, 4, 1, out);
        else
            write_row(sums, windows, to_width, step, total, scale, num_values, num_bytes, out);
    }
}
