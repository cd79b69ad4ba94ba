/* A shared library with the C interface of an audio filter (livekit_utils/include/livekit_audio_filter.h).
 *
 * Contract
 *   - lku_plugin_open and lku_plugin_close run the library's own initialisers and destructors, and any other call runs
 *     the plugin: each may take as long as it likes.
 *   - On glibc, exit() does not wait for an initialiser or destructor that hangs: it flushes stdout and ends the
 *     process. Elsewhere it may hang too.
 *   - Everything but open, close and missing demands that nothing is missing.
 *   - A plugin is closed once, when all its sessions are destroyed and no call is under way.
 */
#ifndef LKU_PLUGIN_H
#define LKU_PLUGIN_H

#include <stdbool.h>

#include "s16.h"

#if defined(_WIN32)
typedef wchar_t lku_path_char;
#else
typedef char lku_path_char;
#endif

typedef int32_t (*lku_on_load)(const char *options_json);
typedef void *(*lku_create)(uint32_t sampling_rate, const char *options_json, const char *stream_info_json);
typedef void *(*lku_create_v2)(uint32_t input_rate, uint32_t output_rate, const char *options_json,
                               const char *stream_info_json);
typedef void (*lku_destroy)(const void *session);
typedef void (*lku_process_int16)(const void *session, size_t num_samples, const int16_t *in, int16_t *out);
typedef void (*lku_process_int16_v2)(const void *session, size_t in_samples, const int16_t *in, size_t out_samples,
                                     int16_t *out);
typedef void (*lku_process_float)(const void *session, size_t num_samples, const float *in, float *out);
typedef void (*lku_update_stream_info)(const void *session, const char *stream_info_json);
typedef void (*lku_update_token)(const char *url, const char *token);

/* Functions that the library does not export are NULL. */
typedef struct lku_plugin {
    void *library; /* the system's handle */
    lku_on_load on_load;
    lku_create create;
    lku_create_v2 create_v2;
    lku_destroy destroy;
    lku_process_int16 process_int16;
    lku_process_int16_v2 process_int16_v2;
    lku_process_float process_float;
    lku_update_stream_info update_stream_info;
    lku_update_token update_token;
} lku_plugin;

/* Loads the library and looks up all its functions, missing ones included.
 *
 * path   [in]  NUL-terminated, in the system's characters
 * reason [out] room for num_reason bytes, from 1: why it does not load, cut to fit, in the system's language
 *
 * False where it does not load; the plugin is then zeroed. Every symbol that the library itself needs is bound here:
 * bound later, one that is not there would end the process at its first call. */
bool lku_plugin_open(lku_plugin *plugin, const lku_path_char *path, char *reason, size_t num_reason);

/* Unloads it, unless somebody else has it open too, and zeroes the plugin. */
void lku_plugin_close(lku_plugin *plugin);

/* The name of the index-th required function that is missing, counted from 0; NULL behind the last one. */
const char *lku_plugin_missing(const lku_plugin *plugin, size_t index);

/* A session of version 2 where both its functions are there, else of version 1; NULL where the plugin refuses. */
void *lku_plugin_create(const lku_plugin *plugin, uint32_t sample_rate, const char *options_json,
                        const char *stream_info_json);

/* in and out [in, out] num_samples each, aligned as int16_t, not overlapping */
void lku_plugin_process(const lku_plugin *plugin, const void *session, const int16_t *in, size_t num_samples,
                        int16_t *out);

#endif
