/* What a plugin exports to be an audio filter of LiveKit: include this and define the functions.
 *
 *     cc -shared -fPIC -fvisibility=hidden -I"$(python -c 'import livekit_utils as l; print(l.get_include())')" \
 *         my_filter.c -o my_filter.so
 *
 * Life of a plugin
 *   The library is loaded. Before the first session audio_filter_on_load is called, until it succeeds once. Each audio
 *   stream gets a session of its own from create, which processes that stream and is destroyed when it ends. The
 *   library is unloaded after the last session, and may be loaded again later in the same process.
 *
 * Strings
 *   NUL-terminated UTF-8, never NULL, owned by the caller, valid during the call only: copy what you keep.
 *
 * Samples
 *   Interleaved by channel. Counts are of all samples of the call, channels included: 10 ms of stereo at 48 kHz are
 *   960. A plugin is not told the channel count; one that needs it takes it from its options. A session gets blocks of
 *   one length only, 10 ms (sample rate / 100, rounded down); the last one of a stream is filled up with silence.
 *   `in` and `out` belong to the caller, are aligned as their type, do not overlap, and are valid during the call only.
 *   All of `out` is to be written; filtering adds no samples and drops none.
 *
 * Threads
 *   Calls for one session never overlap, and none comes after its destruction; they may come from different threads.
 *   Calls for different sessions, and create, may run at the same time. audio_filter_on_load and
 *   audio_filter_update_token do not overlap each other, but may run beside anything else.
 *
 * Time
 *   process is called once per 10 ms of each stream and has to be done well within that. on_load and create may take
 *   their time (they run in a thread of their own), but a stream passes unfiltered if they exceed the user's limit; a
 *   session that comes late is destroyed at once. Do as little as possible when the library is loaded (constructors,
 *   DllMain): meanwhile the system loads no other library in this process.
 */
#ifndef LIVEKIT_AUDIO_FILTER_H
#define LIVEKIT_AUDIO_FILTER_H

#include <stddef.h>
#include <stdint.h>

#ifndef LIVEKIT_AUDIO_FILTER_API
#if defined(_WIN32)
#define LIVEKIT_AUDIO_FILTER_API __declspec(dllexport)
#else
#define LIVEKIT_AUDIO_FILTER_API __attribute__((visibility("default")))
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* -- required ------------------------------------------------------------------------------------------------------ */

/* The credentials of the connection are known: {"url": "wss://...", "token": "..."}, both empty where there are none.
 * Returns 0 where the plugin may be used; anything else refuses, and it is asked again for the next session. */
LIVEKIT_AUDIO_FILTER_API int32_t audio_filter_on_load(const char *options_json);

/* A new session, for one stream.
 *
 * sampling_rate     Hz
 * options_json      an object: the `options` of the user's NoiseCancellationOptions; {} where there are none
 * stream_info_json  an object with the strings url, roomId, roomName, participantIdentity, participantId and trackId,
 *                   empty where unknown
 *
 * Returns whatever the plugin wants to be handed in as `session`; NULL is failure. The plugin owns the memory, and
 * frees it in audio_filter_destroy. */
LIVEKIT_AUDIO_FILTER_API void *audio_filter_create(uint32_t sampling_rate, const char *options_json,
                                                   const char *stream_info_json);

/* Ends a session, exactly once. */
LIVEKIT_AUDIO_FILTER_API void audio_filter_destroy(const void *session);

/* Filters num_samples samples from `in` to `out`. */
LIVEKIT_AUDIO_FILTER_API void audio_filter_process_int16(const void *session, size_t num_samples, const int16_t *in,
                                                         int16_t *out);

/* The same with samples of -1 to 1. livekit_utils demands it, as LiveKit's own loader does, but calls the one above. */
LIVEKIT_AUDIO_FILTER_API void audio_filter_process_float(const void *session, size_t num_samples, const float *in,
                                                         float *out);

/* What create was told about the stream has changed. */
LIVEKIT_AUDIO_FILTER_API void audio_filter_update_stream_info(const void *session, const char *stream_info_json);

/* -- optional ------------------------------------------------------------------------------------------------------ */

/* The credentials have been renewed, some time after audio_filter_on_load. */
LIVEKIT_AUDIO_FILTER_API void audio_filter_update_token(const char *url, const char *token);

/* Version 2 tells both sides' rates and counts. Where create_v2 and process_int16_v2 are both exported, they are called
 * in place of version 1, which has to be there all the same. livekit_utils has input_rate == output_rate and
 * in_samples == out_samples. */
LIVEKIT_AUDIO_FILTER_API void *audio_filter_create_v2(uint32_t input_rate, uint32_t output_rate,
                                                      const char *options_json, const char *stream_info_json);
LIVEKIT_AUDIO_FILTER_API void audio_filter_process_int16_v2(const void *session, size_t in_samples, const int16_t *in,
                                                            size_t out_samples, int16_t *out);
LIVEKIT_AUDIO_FILTER_API void audio_filter_process_float_v2(const void *session, size_t in_samples, const float *in,
                                                            size_t out_samples, float *out);

#ifdef __cplusplus
}
#endif

#endif
