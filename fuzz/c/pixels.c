/* Any picture to any format and size: nothing is read or written outside of it, and all levels agree to the bit. */
#include "input.h"
#include "pixels.h"
#include "scale.h"

enum { MAX_SIZE = 70 };

/* Planes that end where their last byte does. */
static void place(lku_picture *picture, input *in) {
    for (size_t i = 0; i < lku_num_planes(picture->format); i++) {
        const lku_plane_layout layout = lku_layout(picture->format, i);
        const size_t row = lku_halved(picture->width, layout.half_x) * layout.num_values * layout.num_bytes;
        const size_t num_bytes = row * lku_halved(picture->height, layout.half_y);
        picture->planes[i].data = in ? take_memory(in, num_bytes) : make_memory(num_bytes);
        picture->planes[i].stride = (ptrdiff_t)row;
    }
}

static void drop(const lku_picture *picture) {
    for (size_t i = 0; i < lku_num_planes(picture->format); i++)
        free(picture->planes[i].data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t num_bytes) {
    input in = {data, num_bytes};
    const lku_colour colour = {take_below(&in, 2) ? 0.299 : 0.2126, take_below(&in, 2) ? 0.114 : 0.0722,
                               (int)take_below(&in, 2)};
    const int flip_y = (int)take_below(&in, 2);
    lku_picture from = {(lku_pixel_format)take_below(&in, LKU_NUM_PIXEL_FORMATS), 1 + take_below(&in, MAX_SIZE),
                        1 + take_below(&in, 7), {{NULL, 0}}};
    lku_picture first = from, other = from;
    first.format = other.format = (lku_pixel_format)take_below(&in, LKU_NUM_PIXEL_FORMATS);
    place(&from, &in);
    place(&first, NULL);
    place(&other, NULL);
    lku_convert_picture(LKU_SIMD_BASELINE, &from, colour, flip_y, &first);
    for (int level = LKU_SIMD_BASELINE; level <= (int)lku_simd_detect(); level++) {
        lku_convert_picture((lku_simd)level, &from, colour, flip_y, &other);
        for (size_t i = 0; i < lku_num_planes(first.format); i++) {
            const size_t rows = lku_halved(first.height, lku_layout(first.format, i).half_y);
            const size_t size = rows * (size_t)first.planes[i].stride;
            CHECK(memcmp(first.planes[i].data, other.planes[i].data, size) == 0);
        }
    }
    const size_t to_width = 1 + take_below(&in, MAX_SIZE), to_height = 1 + take_below(&in, MAX_SIZE);
    const lku_plane_layout layout = lku_layout(from.format, 0);
    const size_t row = to_width * layout.num_values * layout.num_bytes;
    const lku_plane target = {make_memory(row * to_height), (ptrdiff_t)row};
    lku_scale_window *windows = make_memory(to_width * sizeof *windows);
    uint32_t *sums = make_memory(from.width * layout.num_values * sizeof *sums);
    lku_scale_plane(LKU_SIMD_BASELINE, (lku_scale_filter)take_below(&in, 3), &from.planes[0], from.width, from.height,
                    &target, to_width, to_height, layout.num_values, layout.num_bytes, windows, sums);
    free(windows);
    free(sums);
    free(target.data);
    drop(&from);
    drop(&first);
    drop(&other);
    return 0;
}
