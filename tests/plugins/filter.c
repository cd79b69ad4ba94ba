/* A filter for tests, which misbehaves as -D asks for. It filters by the difference to the sample before, across calls,
 * and writes what is called into a file beside itself (its own path with .log).
 *
 * NO_SYMBOLS, ONLY_V2, NO_FLOAT_AND_DESTROY   exports less          WITH_V2            exports version 2 too
 * WITH_UPDATE_TOKEN                           exports that too      NEEDS_DEPENDENCY   calls dependency_offset()
 * UNBOUND                                     calls what nobody has CREATES_NULL, REFUSES, REFUSES_ONCE
 * HANGS_LOAD, HANGS_UNLOAD, HANGS_ON_LOAD, HANGS_CREATE, HANGS_PROCESS, HANGS_DESTROY, HANGS_UPDATE   until there is a
 *                                             file beside it (its own path with .go)
 * SLEEP_PROCESS, SLEEP_DESTROY                in ms
 * NOTES_PROCESS                               notes that a call to process begins, too
 * COUNTS_SAMPLES                              puts the number of samples of the call into each of them
 * CREATES_FOR_KNOWN_URL                       creates NULL unless the stream's URL is one that it was told
 * PASSES_THROUGH                              changes no sample
 * WRITES_NOTHING                              leaves the output alone
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "livekit_audio_filter.h"

#define SLEEP(ms) usleep(1000u * (ms))

typedef struct path {
    char name[4096];
} path;

static path beside(const char *suffix) {
    static const char here;
    Dl_info info;
    path result;
    if (dladdr(&here, &info) == 0)
        abort();
    snprintf(result.name, sizeof result.name, "%s%s", info.dli_fname, suffix);
    return result;
}

/* Not for ever: a test that fails may tell it nothing. */
static inline void hang(void) {
    path go = beside(".go");
    for (int ms = 0; ms < 120000 && access(go.name, F_OK) != 0; ms++)
        SLEEP(1);
}

static void note(const char *format, ...) {
    path name = beside(".log");
    FILE *log = fopen(name.name, "a");
    if (log == NULL)
        return; /* the test is over */
    char line[8192];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(log, "%s\n", line); /* in one write, whatever other threads do */
    fclose(log);
}

__attribute__((constructor)) static void loaded(void) {
#ifdef HANGS_LOAD
    hang();
#endif
    note("load");
}

__attribute__((destructor)) static void unloaded(void) {
#ifdef HANGS_UNLOAD
    hang();
#endif
    note("unload");
}

#ifndef NO_SYMBOLS

#ifdef NEEDS_DEPENDENCY
int dependency_offset(void);
#endif
#ifdef UNBOUND
int nobody_has_this(void);
#endif

typedef struct filter {
    int16_t last;
    atomic_int calls; /* under way */
} filter;

#ifdef CREATES_FOR_KNOWN_URL
static char known_url[256]; /* as it stands in JSON, with quotes */

static const char *url_in(const char *json) {
    const char *key = strstr(json, "\"url\":");
    if (key == NULL)
        abort();
    return key + strlen("\"url\":");
}

static int is_known(const char *stream_info_json) {
    return strlen(known_url) > 2 && strncmp(url_in(stream_info_json), known_url, strlen(known_url)) == 0;
}
#endif

int32_t audio_filter_on_load(const char *options_json) {
#ifdef CREATES_FOR_KNOWN_URL
    snprintf(known_url, sizeof known_url, "%.*s", (int)strcspn(url_in(options_json), ",}"), url_in(options_json));
#endif
#ifdef HANGS_ON_LOAD
    note("loading");
    hang();
#endif
    note("on_load %s", options_json);
#if defined(REFUSES)
    return -7;
#elif defined(REFUSES_ONCE)
    static atomic_int asked;
    return atomic_fetch_add(&asked, 1) == 0 ? 3 : 0;
#else
    return 0;
#endif
}

static void *create(const char *version, uint32_t rate, const char *options_json, const char *stream_info_json) {
#ifdef HANGS_CREATE
    note("creating");
    hang();
#endif
    note("%s %u %s %s", version, rate, options_json, stream_info_json);
#ifdef CREATES_NULL
    return NULL;
#endif
#ifdef CREATES_FOR_KNOWN_URL
    if (!is_known(stream_info_json))
        return NULL;
#endif
#ifdef UNBOUND
    return nobody_has_this() ? NULL : calloc(1, sizeof(filter));
#endif
    return calloc(1, sizeof(filter));
}

static void enter(filter *self, const char *what) {
    if (atomic_fetch_add(&self->calls, 1) != 0)
        note("%s DURING ANOTHER CALL", what);
}

static void leave(filter *self) {
    atomic_fetch_sub(&self->calls, 1);
}

static void process(const void *session, size_t num_samples, const int16_t *in, int16_t *out) {
    filter *self = (filter *)session;
    enter(self, "process");
#ifdef NOTES_PROCESS
    note("processing");
#endif
#ifdef SLEEP_PROCESS
    SLEEP(SLEEP_PROCESS);
#endif
#ifdef HANGS_PROCESS
    hang();
#endif
    for (size_t i = 0; i < num_samples; i++) {
        int difference = in[i] - self->last;
        self->last = in[i];
#ifdef NEEDS_DEPENDENCY
        difference += dependency_offset();
#endif
#ifdef COUNTS_SAMPLES
        difference = (int)num_samples;
#endif
#ifdef PASSES_THROUGH
        difference = in[i];
#endif
#ifndef WRITES_NOTHING
        out[i] = (int16_t)difference;
#else
        (void)difference, (void)out;
#endif
    }
    leave(self);
}

#ifndef NO_FLOAT_AND_DESTROY
void audio_filter_destroy(const void *session) {
    filter *self = (filter *)session;
    enter(self, "destroy");
#ifdef SLEEP_DESTROY
    SLEEP(SLEEP_DESTROY);
#endif
#ifdef HANGS_DESTROY
    hang();
#endif
    note("destroy");
    free(self);
}
#endif

void audio_filter_update_stream_info(const void *session, const char *stream_info_json) {
    enter((filter *)session, "update_stream_info");
    note("update_stream_info %s", stream_info_json);
    leave((filter *)session);
}

#ifdef WITH_UPDATE_TOKEN
void audio_filter_update_token(const char *url, const char *token) {
#ifdef CREATES_FOR_KNOWN_URL
    snprintf(known_url, sizeof known_url, "\"%s\"", url);
#endif
#ifdef HANGS_UPDATE
    hang();
#endif
    note("update_token %s %s", url, token);
}
#endif

#ifndef ONLY_V2
void *audio_filter_create(uint32_t sampling_rate, const char *options_json, const char *stream_info_json) {
    return create("create", sampling_rate, options_json, stream_info_json);
}

void audio_filter_process_int16(const void *session, size_t num_samples, const int16_t *in, int16_t *out) {
#ifdef WITH_V2
    note("VERSION 1");
#endif
    process(session, num_samples, in, out);
}

#ifndef NO_FLOAT_AND_DESTROY
void audio_filter_process_float(const void *session, size_t num_samples, const float *in, float *out) {
    (void)session, (void)num_samples, (void)in, (void)out;
    note("FLOAT");
}
#endif
#endif

#if defined(WITH_V2) || defined(ONLY_V2)
void *audio_filter_create_v2(uint32_t input_rate, uint32_t output_rate, const char *options_json,
                             const char *stream_info_json) {
    return create(input_rate == output_rate ? "create_v2" : "RATES", input_rate, options_json, stream_info_json);
}

void audio_filter_process_int16_v2(const void *session, size_t in_samples, const int16_t *in, size_t out_samples,
                                   int16_t *out) {
    if (in_samples != out_samples)
        note("COUNTS");
    process(session, in_samples, in, out);
}
#endif

#endif
