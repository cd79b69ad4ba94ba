/* All pairs of formats, in memory of exactly as many bytes, padded or not: all levels agree, and padding is not touched. */
#include "pixels.h"
#include "testing.h"

enum { ROUNDS = 12, MAX_WIDTH = 80, MAX_HEIGHT = 6 };

static void place(lku_picture *picture, size_t padding, block planes[LKU_MAX_PLANES]) {
    for (size_t i = 0; i < lku_num_planes(picture->format); i++) {
        const lku_plane_layout layout = lku_layout(picture->format, i);
        const size_t row = lku_halved(picture->width, layout.half_x) * layout.num_values * layout.num_bytes;
        const size_t rows = lku_halved(picture->height, layout.half_y);
        planes[i] = make_block((row + padding) * (rows - 1) + row);
        picture->planes[i].data = planes[i].data;
        picture->planes[i].stride = (ptrdiff_t)(row + padding);
    }

}

int main(int argc, char **argv) {
    start(argc, argv);
    const lku_colour colour = {0.299, 0.114, 0};
    for (int round = 0; round < ROUNDS * LKU_NUM_PIXEL_FORMATS * LKU_NUM_PIXEL_FORMATS; round++) {
        lku_picture in = {(lku_pixel_format)(round % LKU_NUM_PIXEL_FORMATS), 1 + random_below(MAX_WIDTH),
                          1 + random_below(MAX_HEIGHT), {{NULL, 0}}};
        const int flip_y = (int)random_below(2);
        const size_t padding = 2 * random_below(3);
        block source[LKU_MAX_PLANES], first[LKU_MAX_PLANES], other[LKU_MAX_PLANES];
        lku_picture out = in, again;
        out.format = (lku_pixel_format)(round / LKU_NUM_PIXEL_FORMATS % LKU_NUM_PIXEL_FORMATS);
        again = out;
        place(&in, padding, source);
        place(&out, padding, first);
        place(&again, padding, other);
        for (size_t i = 0; i < lku_num_planes(in.format); i++)
            for (size_t j = 0; j < source[i].num_bytes; j++)
                in.planes[i].data[j] = (uint8_t)random_u64();
        lku_convert_picture(LKU_SIMD_BASELINE, &in, colour, flip_y, &out);
        FOR_EACH_SIMD(simd) {
            lku_convert_picture(simd, &in, colour, flip_y, &again);
            for (size_t i = 0; i < lku_num_planes(out.format); i++)
                CHECK(memcmp(first[i].data, other[i].data, first[i].num_bytes) == 0, "%d to %d, level %d", (int)in.format,
                      (int)out.format, (int)simd);
        }
        for (size_t i = 0; i < lku_num_planes(out.format) && padding > 0; i++)
            for (ptrdiff_t at = out.planes[i].stride; at < (ptrdiff_t)first[i].num_bytes; at += out.planes[i].stride)
                CHECK(out.planes[i].data[at - 1] == 0x55, "padding of plane %zu", i);
        for (size_t i = 0; i < lku_num_planes(in.format); i++)
            drop_block(source[i]);
        for (size_t i = 0; i < lku_num_planes(out.format); i++)
            drop_block(first[i]), drop_block(other[i]);
    }
    return 0;
}
