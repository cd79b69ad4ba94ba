#include <float.h>

#include "denormals.h"
#include "testing.h"

/* Half of the least number that is not denormal. */
static float half_of_least(void) {
    volatile float number = FLT_MIN;
    number *= 0.5f;
    return number;
}

int main(int argc, char **argv) {
    start(argc, argv);
    CHECK(half_of_least() > 0.0f, "denormal numbers are there at first");
    const uint64_t before = lku_denormals_flush();
#if defined(__x86_64__) || defined(__aarch64__)
    volatile uint32_t bits = 1; /* the least denormal number, as an input */
    float input;
    uint32_t copy = bits;
    memcpy(&input, &copy, sizeof input);
    volatile float large = input;
    large *= 1e38f;
    CHECK(half_of_least() == 0.0f, "a result is flushed");
    CHECK(large == 0.0f, "an input is zero, got %g", (double)large);
#endif
    const uint64_t within = lku_denormals_flush();
    lku_denormals_restore(within);
#if defined(__x86_64__) || defined(__aarch64__)
    CHECK(half_of_least() == 0.0f, "the inner of two calls leaves the outer one's mode");
#endif
    lku_denormals_restore(before);
    CHECK(half_of_least() > 0.0f, "denormal numbers are back");
    return 0;
}
