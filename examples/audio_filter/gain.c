/* A filter that multiplies by a factor, its option: {"gain": 0.5}. Compiled with -DGAIN_V2 it has version 2 as well. */
#include <livekit_audio_filter.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct gain {
    float factor;
} gain;

int32_t audio_filter_on_load(const char *options_json) {
    (void)options_json; /* a plugin with a licence would look at the token */
    return 0;
}

void *audio_filter_create(uint32_t sampling_rate, const char *options_json, const char *stream_info_json) {
    (void)sampling_rate, (void)stream_info_json;
    gain *self = malloc(sizeof *self);
    if (self != NULL) {
        const char *option = strstr(options_json, "\"gain\":"); /* enough for one number */
        self->factor = option != NULL ? strtof(option + strlen("\"gain\":"), NULL) : 1.0f;
    }
    return self;
}

void audio_filter_destroy(const void *session) {
    free((void *)session);
}

void audio_filter_process_int16(const void *session, size_t num_samples, const int16_t *in, int16_t *out) {
    const float factor = ((const gain *)session)->factor;
    for (size_t i = 0; i < num_samples; i++)
        out[i] = (int16_t)lrintf(fminf(fmaxf(factor * in[i], -32768.0f), 32767.0f));
}

void audio_filter_process_float(const void *session, size_t num_samples, const float *in, float *out) {
    for (size_t i = 0; i < num_samples; i++)
        out[i] = ((const gain *)session)->factor * in[i];
}

void audio_filter_update_stream_info(const void *session, const char *stream_info_json) {
    (void)session, (void)stream_info_json;
}

#ifdef GAIN_V2
void *audio_filter_create_v2(uint32_t input_rate, uint32_t output_rate, const char *options_json,
                             const char *stream_info_json) {
    return input_rate == output_rate ? audio_filter_create(input_rate, options_json, stream_info_json) : NULL;
}

void audio_filter_process_int16_v2(const void *session, size_t in_samples, const int16_t *in, size_t out_samples,
                                   int16_t *out) {
    audio_filter_process_int16(session, in_samples < out_samples ? in_samples : out_samples, in, out);
}
#endif
