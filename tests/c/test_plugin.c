#include "plugin.h"
#include "testing.h"

typedef struct call {
    const char *what;
    uint32_t rates[2];
    size_t counts[2];
} call;

static call last;
static int session;
static int16_t in[960], out[960];

static void *create(uint32_t rate, const char *options_json, const char *stream_info_json) {
    CHECK(strcmp(options_json, "options") == 0 && strcmp(stream_info_json, "info") == 0, "strings");
    last = (call){"create", {rate, 0}, {0, 0}};
    return &session;
}

static void *create_v2(uint32_t input_rate, uint32_t output_rate, const char *options_json,
                       const char *stream_info_json) {
    CHECK(strcmp(options_json, "options") == 0 && strcmp(stream_info_json, "info") == 0, "strings");
    last = (call){"create_v2", {input_rate, output_rate}, {0, 0}};
    return &session;
}

static void process(const void *of, size_t num_samples, const int16_t *from, int16_t *to) {
    CHECK(of == &session && from == in && to == out, "pointers");
    last = (call){"process", {0, 0}, {num_samples, 0}};
}

static void process_v2(const void *of, size_t in_samples, const int16_t *from, size_t out_samples, int16_t *to) {
    CHECK(of == &session && from == in && to == out, "pointers");
    last = (call){"process_v2", {0, 0}, {in_samples, out_samples}};
}

static void check_versions(void) {
    for (int has = 0; has < 4; has++) {
        lku_plugin plugin = {.create = create, .process_int16 = process};
        if (has & 1)
            plugin.create_v2 = create_v2;
        if (has & 2)
            plugin.process_int16_v2 = process_v2;
        const bool second = has == 3; /* half of version 2 is none */
        const uint32_t rate = (uint32_t)random_below(1000000);
        CHECK(lku_plugin_create(&plugin, rate, "options", "info") == &session, "%d", has);
        CHECK(strcmp(last.what, second ? "create_v2" : "create") == 0, "%d: %s", has, last.what);
        CHECK(last.rates[0] == rate && last.rates[1] == (second ? rate : 0), "%d", has);
        const size_t n = random_below(961);
        lku_plugin_process(&plugin, &session, in, n, out);
        CHECK(strcmp(last.what, second ? "process_v2" : "process") == 0, "%d: %s", has, last.what);
        CHECK(last.counts[0] == n && last.counts[1] == (second ? n : 0), "%d", has);
    }
}

static void check_missing(void) {
    static const char *const required[] = {"audio_filter_on_load",       "audio_filter_create",
                                           "audio_filter_destroy",       "audio_filter_process_int16",
                                           "audio_filter_process_float", "audio_filter_update_stream_info"};
    const lku_plugin none = {0};
    for (size_t i = 0; i < 6; i++)
        CHECK(strcmp(lku_plugin_missing(&none, i), required[i]) == 0, "%zu", i);
    CHECK(lku_plugin_missing(&none, 6) == NULL && lku_plugin_missing(&none, 1000) == NULL, "too many");
    const lku_plugin some = {.create = create, .process_int16 = process};
    CHECK(strcmp(lku_plugin_missing(&some, 1), "audio_filter_destroy") == 0, "order");
    CHECK(lku_plugin_missing(&some, 4) == NULL, "too many");
}

static void check_open(void) {
#if !defined(_WIN32)
    static const char path[] = "/no/such/library.so";
    char whole[1024], cut[1024];
    lku_plugin plugin;
    memset(&plugin, 0x55, sizeof plugin);
    CHECK(!lku_plugin_open(&plugin, path, whole, sizeof whole), "opened");
    CHECK(plugin.library == NULL && strstr(whole, path) != NULL, "%s", whole);
    for (size_t room = 1; room <= strlen(whole) + 2; room++) {
        memset(cut, 0x55, sizeof cut);
        CHECK(!lku_plugin_open(&plugin, path, cut, room), "opened");
        const size_t kept = room - 1 < strlen(whole) ? room - 1 : strlen(whole);
        CHECK(strlen(cut) == kept && strncmp(cut, whole, kept) == 0, "%zu: %s", room, cut);
        CHECK(cut[room] == 0x55, "%zu: beyond its room", room);
    }
#endif
#if defined(__linux__)
    if (lku_plugin_open(&plugin, "libm.so.6", whole, sizeof whole)) { /* not with every C library */
        CHECK(plugin.library != NULL && lku_plugin_missing(&plugin, 5) != NULL, "symbols of libm");
        lku_plugin_close(&plugin);
        CHECK(plugin.library == NULL, "not zeroed");
    }
#endif
}

int main(int argc, char **argv) {
    start(argc, argv);
    check_versions();
    check_missing();
    check_open();
    return 0;
}
