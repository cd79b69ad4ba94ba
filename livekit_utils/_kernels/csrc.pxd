# Every declaration of csrc/. A call into C is always spelled csrc.lku_...
from libc.stdint cimport uint16_t, int16_t, int32_t, int64_t, uint8_t, uint32_t, uint64_t


cdef extern from "s16.h" nogil:
    ctypedef int16_t lku_s16
    ctypedef float lku_f32


cdef extern from "simd.h" nogil:
    ctypedef enum lku_simd:
        LKU_SIMD_BASELINE
        LKU_SIMD_AVX2
        LKU_SIMD_AVX512

    lku_simd lku_simd_detect() noexcept


cdef extern from "concat.h" nogil:
    ctypedef struct lku_block:
        const lku_s16 *samples
        size_t num_samples

    void lku_concat_s16(const lku_block *blocks, size_t num_blocks, lku_s16 *out) noexcept


cdef extern from "mix_shape.h" nogil:
    enum:
        LKU_MIX_NUM_FACTORS

    ctypedef struct lku_ramp:
        int32_t value
        int32_t from_ "from"
        uint32_t length
        int64_t position

    ctypedef struct lku_mix_shape:
        lku_ramp fade
        lku_ramp factors[2]
        lku_ramp sides[2]

    lku_ramp lku_ramp_make(int32_t from_, int32_t value, uint32_t length, int64_t position) noexcept
    int32_t lku_ramp_at(const lku_ramp *ramp, int64_t frame) noexcept
    bint lku_mix_shape_is_moving(const lku_mix_shape *shape, int64_t frame) noexcept
    int64_t lku_mix_shape_gain(const lku_mix_shape *shape, int64_t gain, int64_t frame) noexcept


cdef extern from "mix.h" nogil:
    const int LKU_GAIN_BITS
    const int32_t LKU_GAIN_UNITY
    const double LKU_MIX_MAX_TOTAL_GAIN
    const size_t LKU_MIX_MAX_CHANNELS

    ctypedef struct lku_mix_input:
        const lku_s16 *samples
        int32_t gain
        int32_t gain_from
        uint32_t ramp_length
        uint32_t ramp_position
        const lku_mix_shape *shape

    int32_t lku_mix_ramp_gain(int32_t gain_from, int32_t gain, uint32_t ramp_length, uint32_t frame) noexcept
    void lku_mix_s16(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                     size_t num_channels, lku_s16 *out) noexcept
    void lku_mix_sum(lku_simd simd, const lku_mix_input *inputs, size_t num_inputs, size_t samples_per_channel,
                     size_t num_channels, int64_t *sum) noexcept
    void lku_mix_rest(lku_simd simd, const int64_t *sum, const lku_mix_input *inputs, size_t num_inputs,
                      size_t samples_per_channel, size_t num_channels, int64_t *rest) noexcept
    void lku_mix_less(lku_simd simd, const int64_t *sum, const lku_mix_input *inputs, size_t num_inputs,
                      size_t samples_per_channel, size_t num_channels, lku_s16 *out) noexcept


cdef extern from "limiter.h" nogil:
    const size_t LKU_LIMITER_MAX_LOOK_AHEAD
    const uint32_t LKU_LIMITER_UNITY
    const int32_t LKU_LIMITER_MIN_CEILING

    ctypedef struct lku_limiter:
        size_t num_channels
        size_t look_ahead
        uint32_t most

    size_t lku_limiter_num_values(size_t num_channels, size_t look_ahead) noexcept
    void lku_limiter_init(lku_limiter *state, size_t num_channels, int32_t ceiling, size_t look_ahead,
                          double release_frames, int32_t *memory) noexcept
    void lku_limiter_s16(lku_simd simd, lku_limiter *state, const int64_t *sums, size_t samples_per_channel,
                         lku_s16 *out) noexcept


cdef extern from "convert.h" nogil:
    void lku_s16_to_f32(lku_simd simd, const lku_s16 *samples, size_t num_samples, lku_f32 *out) noexcept
    size_t lku_f32_to_s16(lku_simd simd, const lku_f32 *samples, size_t num_samples, lku_s16 *out) noexcept


cdef extern from "pcm.h" nogil:
    ctypedef enum lku_pcm:
        LKU_PCM_S16LE
        LKU_PCM_S16BE
        LKU_PCM_S24LE
        LKU_PCM_S24BE
        LKU_PCM_S32LE
        LKU_PCM_S32BE
        LKU_PCM_U8
        LKU_PCM_F32LE
        LKU_PCM_F32BE
        LKU_PCM_F64LE
        LKU_PCM_NUM_ENCODINGS

    size_t lku_pcm_num_bytes(lku_pcm encoding) noexcept
    size_t lku_pcm_to_s16(lku_simd simd, lku_pcm encoding, const uint8_t *data, size_t num_samples,
                          lku_s16 *out) noexcept
    size_t lku_pcm_from_s16(lku_simd simd, lku_pcm encoding, const lku_s16 *samples, size_t num_samples,
                            uint8_t *out) noexcept


cdef extern from "g711.h" nogil:
    void lku_ulaw_to_s16(lku_simd simd, const uint8_t *data, size_t num_samples, lku_s16 *out) noexcept
    void lku_alaw_to_s16(lku_simd simd, const uint8_t *data, size_t num_samples, lku_s16 *out) noexcept
    void lku_s16_to_ulaw(lku_simd simd, const lku_s16 *samples, size_t num_samples, uint8_t *out) noexcept
    void lku_s16_to_alaw(lku_simd simd, const lku_s16 *samples, size_t num_samples, uint8_t *out) noexcept


cdef extern from "level.h" nogil:
    ctypedef struct lku_level:
        int32_t peak
        uint64_t sum_squares

    void lku_level_s16(lku_simd simd, const lku_s16 *samples, size_t num_samples, lku_level *level) noexcept


cdef extern from "channels.h" nogil:
    void lku_upmix_s16(lku_simd simd, const lku_s16 *samples, size_t samples_per_channel, size_t num_channels,
                       lku_s16 *out) noexcept
    void lku_downmix_s16(lku_simd simd, const lku_s16 *samples, size_t samples_per_channel, size_t num_channels,
                         lku_s16 *out) noexcept


cdef extern from "linear.h" nogil:
    const uint64_t LKU_LINEAR_MAX_RATE

    ctypedef struct lku_linear:
        uint64_t input_rate
        uint64_t output_rate
        uint64_t frame
        uint64_t rest

    size_t lku_linear_num_outputs(const lku_linear *state, size_t samples_per_channel) noexcept
    size_t lku_linear_s16(lku_linear *state, const lku_s16 *samples, size_t samples_per_channel, size_t num_channels,
                          lku_s16 *out) noexcept


cdef extern from "high_pass.h" nogil:
    ctypedef struct lku_high_pass:
        pass

    ctypedef struct lku_high_pass_memory:
        pass

    void lku_high_pass_init(lku_high_pass *filter, double sample_rate) noexcept
    void lku_high_pass_s16(const lku_high_pass *filter, lku_high_pass_memory *memories, lku_s16 *samples,
                           size_t samples_per_channel, size_t num_channels) noexcept


cdef extern from "denormals.h" nogil:
    uint64_t lku_denormals_flush() noexcept
    void lku_denormals_restore(uint64_t mode) noexcept


cdef extern from "short_spectrum.h" nogil:
    ctypedef struct lku_short_spectrum:
        pass

    size_t lku_short_spectrum_num_floats(size_t num_channels, size_t samples_per_channel, size_t num_bins) noexcept
    void lku_short_spectrum_init(lku_short_spectrum *state, size_t num_channels, size_t samples_per_channel,
                                 const size_t *bins, size_t num_bins, float *memory) noexcept
    void lku_short_spectrum_push(lku_simd simd, lku_short_spectrum *state, const lku_s16 *mic, const lku_s16 *out,
                                 const lku_s16 *ref, lku_f32 *spectra) noexcept


cdef extern from "overlap_add.h" nogil:
    ctypedef struct lku_overlap_add:
        pass

    size_t lku_overlap_add_num_floats(size_t num_channels, size_t samples_per_channel) noexcept
    void lku_overlap_add_init(lku_overlap_add *state, size_t num_channels, size_t samples_per_channel,
                              float *memory) noexcept
    void lku_overlap_add_push(lku_simd simd, lku_overlap_add *state, const lku_f32 *spectrum,
                              lku_s16 *samples) noexcept


cdef extern from "upper_band.h" nogil:
    const size_t LKU_UPPER_PARTS

    ctypedef struct lku_upper_channel:
        pass

    ctypedef struct lku_upper_band:
        size_t num_channels
        size_t low_per_channel
        size_t samples_per_channel
        size_t num_bins
        size_t first_bin

    void lku_upper_band_init(lku_upper_band *state, lku_upper_channel *channels) noexcept
    void lku_upper_band_listen(lku_upper_band *state, const lku_s16 *before, const lku_s16 *after, const lku_f32 *mic,
                               const lku_f32 *echo) noexcept
    void lku_upper_band_add(lku_simd simd, const lku_upper_band *state, const lku_s16 *mic, const lku_s16 *low,
                            lku_s16 *out) noexcept


cdef extern from "give_back.h" nogil:
    ctypedef struct lku_give_back_channel:
        pass

    ctypedef struct lku_give_back:
        size_t num_channels
        size_t samples_per_channel
        size_t delay

    void lku_give_back_init(lku_give_back *state, double sample_rate, lku_s16 *recent,
                            lku_give_back_channel *channels) noexcept
    void lku_give_back_push(lku_give_back *state, const lku_s16 *before, lku_s16 *after) noexcept


cdef extern from "echo_power.h" nogil:
    const size_t LKU_ECHO_GROUP

    ctypedef struct lku_echo_power:
        pass

    size_t lku_echo_power_num_bytes(size_t num_channels, size_t num_bins) noexcept
    void lku_echo_power_init(lku_echo_power *state, size_t num_channels, size_t num_bins, void *memory) noexcept
    void lku_echo_power_forget(lku_echo_power *state) noexcept
    void lku_echo_power_push(lku_simd simd, lku_echo_power *state, const lku_f32 *mic, const lku_f32 *ref,
                             lku_f32 *echo) noexcept


cdef extern from "noise_floor.h" nogil:
    ctypedef struct lku_noise_floor:
        pass

    size_t lku_noise_floor_num_floats(size_t num_channels, size_t num_bins) noexcept
    void lku_noise_floor_init(lku_noise_floor *state, size_t num_channels, size_t num_bins, float *memory) noexcept
    void lku_noise_floor_push(lku_noise_floor *state, const lku_f32 *mic, const lku_f32 *echo,
                              lku_f32 *noise) noexcept


cdef extern from "noise_fill.h" nogil:
    const float LKU_FILL_LEAST

    ctypedef struct lku_noise_fill:
        pass

    size_t lku_noise_fill_num_floats(size_t num_channels, size_t num_bins) noexcept
    void lku_noise_fill_init(lku_noise_fill *state, size_t num_channels, size_t num_bins, float *memory) noexcept
    float lku_noise_fill_push(lku_noise_fill *state, const lku_f32 *mic, const lku_f32 *out,
                              const lku_f32 *noise) noexcept
    void lku_noise_fill_make(lku_noise_fill *state, const size_t *places, float scale, size_t num_places,
                             lku_f32 *spectrum) noexcept


cdef extern from "polyphase.h" nogil:
    const size_t LKU_POLYPHASE_COARSE_BITS
    const size_t LKU_POLYPHASE_MAX_BITS
    const size_t LKU_POLYPHASE_MAX_RATIO
    const size_t LKU_POLYPHASE_MAX_TAPS

    ctypedef struct lku_polyphase_run:
        pass

    ctypedef struct lku_polyphase_filter:
        size_t num_taps
        size_t num_phases
        size_t step
        size_t look_ahead
        unsigned int fraction_bits
        size_t num_quads
        size_t num_steps
        size_t num_values

    ctypedef struct lku_polyphase:
        int16_t *memory
        size_t capacity
        size_t end
        size_t row

    void lku_polyphase_measure(lku_polyphase_filter *filter) noexcept
    bint lku_polyphase_cut(lku_polyphase_filter *filter, const int32_t *phases, lku_polyphase_run *fine,
                           uint32_t *scratch) noexcept
    void lku_polyphase_arrange(lku_polyphase_filter *filter, const int32_t *phases, int16_t *taps,
                               uint32_t *inputs) noexcept
    size_t lku_polyphase_memory(const lku_polyphase_filter *filter, size_t num_channels) noexcept
    void lku_polyphase_init(lku_polyphase *state, const lku_polyphase_filter *filter, size_t num_channels,
                            int16_t *memory) noexcept
    void lku_polyphase_reset(lku_polyphase *state) noexcept
    size_t lku_polyphase_start(const lku_polyphase *state) noexcept
    size_t lku_polyphase_num_outputs(const lku_polyphase *state, size_t samples_per_channel) noexcept
    void lku_polyphase_s16(lku_simd simd, lku_polyphase *state, const lku_s16 *samples, size_t samples_per_channel,
                           lku_s16 *out) noexcept


cdef extern from "variable_ratio.h" nogil:
    const size_t LKU_VARIABLE_LANES
    const size_t LKU_VARIABLE_MAX_PHASES
    const size_t LKU_VARIABLE_MAX_TAPS

    ctypedef struct lku_variable_filter:
        const lku_f32 *taps
        size_t num_taps
        size_t num_phases
        size_t look_ahead

    ctypedef struct lku_variable:
        double ratio
        double to

    size_t lku_variable_memory(const lku_variable_filter *filter, size_t num_channels) noexcept
    size_t lku_variable_ratios(const lku_variable_filter *filter) noexcept
    void lku_variable_init(lku_variable *state, const lku_variable_filter *filter, size_t num_channels,
                           lku_f32 *memory, double *ratios, double ratio) noexcept
    void lku_variable_reset(lku_variable *state, double distance) noexcept
    void lku_variable_set_ratio(lku_variable *state, double ratio, uint64_t ramp_length) noexcept
    size_t lku_variable_max_outputs(const lku_variable *state, size_t samples_per_channel, double max_ratio) noexcept
    size_t lku_variable_s16(lku_simd simd, lku_variable *state, const lku_s16 *samples, size_t samples_per_channel,
                            lku_s16 *out) noexcept
    double lku_variable_outputs_left(const lku_variable *state) noexcept


cdef extern from "conceal.h" nogil:
    const size_t LKU_CONCEAL_MIN_RATE
    const size_t LKU_CONCEAL_MAX_RATE

    ctypedef struct lku_conceal:
        pass

    size_t lku_conceal_memory(size_t sample_rate) noexcept
    void lku_conceal_init(lku_conceal *state, size_t sample_rate, int16_t *memory) noexcept
    void lku_conceal_received(lku_conceal *state, int16_t *samples, size_t num_samples) noexcept
    void lku_conceal_lost(lku_conceal *state, int16_t *out, size_t num_samples) noexcept


cdef extern from "sine.h" nogil:
    void lku_sine_s16(lku_simd simd, double peak, double phase_turns, double step_turns, size_t num_samples,
                      lku_s16 *out) noexcept


cdef extern from "dtmf.h" nogil:
    const int LKU_DTMF_MIN_RATE
    const int LKU_DTMF_MAX_RATE
    const int LKU_DTMF_TONES

    ctypedef struct lku_dtmf_window:
        float *re
        float *im
        float mean_square

    ctypedef struct lku_dtmf_digit:
        int32_t digit
        int64_t start
        int64_t duration

    ctypedef struct lku_dtmf:
        size_t half

    size_t lku_dtmf_memory(double sample_rate) noexcept
    void lku_dtmf_init(lku_dtmf *state, double sample_rate, float *memory) noexcept
    void lku_dtmf_reset(lku_dtmf *state) noexcept
    size_t lku_dtmf_push(lku_simd simd, lku_dtmf *state, const lku_s16 *samples, size_t num_samples,
                         lku_dtmf_digit *found) noexcept
    size_t lku_dtmf_flush(lku_simd simd, lku_dtmf *state, lku_dtmf_digit *found) noexcept
    void lku_dtmf_measure(lku_simd simd, const lku_dtmf *state, const float *samples,
                          lku_dtmf_window *window) noexcept


cdef extern from "loudness.h" nogil:
    const int LKU_LOUDNESS_MIN_RATE
    const int LKU_LOUDNESS_MAX_RATE
    const int LKU_LOUDNESS_MAX_CHANNELS
    const size_t LKU_LOUDNESS_MOMENTARY
    const size_t LKU_LOUDNESS_SHORT_TERM

    ctypedef struct lku_loudness:
        pass

    size_t lku_loudness_num_bytes(size_t num_channels) noexcept
    lku_loudness *lku_loudness_init(void *memory, size_t sample_rate, size_t num_channels) noexcept
    void lku_loudness_reset(lku_loudness *state) noexcept
    void lku_loudness_push_s16(lku_simd simd, lku_loudness *state, const lku_s16 *samples,
                               size_t samples_per_channel) noexcept
    void lku_loudness_push_f32(lku_simd simd, lku_loudness *state, const lku_f32 *samples,
                               size_t samples_per_channel) noexcept
    double lku_loudness_recent(const lku_loudness *state, size_t num_hops) noexcept
    double lku_loudness_integrated(const lku_loudness *state) noexcept
    double lku_loudness_range(const lku_loudness *state) noexcept
    double lku_loudness_true_peak(const lku_loudness *state) noexcept


cdef extern from "ring_buffer.h" nogil:
    const size_t LKU_RING_ALIGNMENT
    const size_t LKU_RING_MAX_CAPACITY

    ctypedef struct lku_ring_header:
        uint64_t written
        uint64_t read
        uint64_t overruns
        uint64_t overrun_samples
        uint64_t underruns
        uint64_t underrun_samples

    ctypedef struct lku_ring:
        lku_ring_header *header
        uint64_t capacity

    ctypedef struct lku_ring_regions:
        lku_s16 *first
        size_t num_first
        lku_s16 *second
        size_t num_second

    size_t lku_ring_num_bytes(size_t capacity) noexcept
    bint lku_ring_init(lku_ring *ring, void *memory, size_t num_bytes, size_t capacity) noexcept
    bint lku_ring_attach(lku_ring *ring, void *memory, size_t num_bytes) noexcept
    size_t lku_ring_readable(const lku_ring *ring) noexcept
    size_t lku_ring_writable(const lku_ring *ring) noexcept
    size_t lku_ring_acquire_write(const lku_ring *ring, size_t num_samples, lku_ring_regions *regions) noexcept
    void lku_ring_commit_write(lku_ring *ring, size_t num_samples) noexcept
    size_t lku_ring_acquire_read(const lku_ring *ring, size_t num_samples, lku_ring_regions *regions) noexcept
    void lku_ring_commit_read(lku_ring *ring, size_t num_samples) noexcept
    size_t lku_ring_write(lku_ring *ring, const lku_s16 *samples, size_t num_samples) noexcept
    size_t lku_ring_read(lku_ring *ring, lku_s16 *out, size_t num_samples) noexcept
    void lku_ring_sync(lku_ring *ring) noexcept


cdef extern from "quiet.h" nogil:
    size_t lku_quiet_sound_libraries() noexcept


cdef extern from "plugin.h" nogil:
    ctypedef char lku_path_char

    ctypedef struct lku_plugin:
        int32_t (*on_load)(const char *) noexcept nogil
        void (*destroy)(const void *) noexcept nogil
        void (*update_stream_info)(const void *, const char *) noexcept nogil
        void (*update_token)(const char *, const char *) noexcept nogil

    bint lku_plugin_open(lku_plugin *plugin, const lku_path_char *path, char *reason, size_t num_reason) noexcept
    void lku_plugin_close(lku_plugin *plugin) noexcept
    const char *lku_plugin_missing(const lku_plugin *plugin, size_t index) noexcept
    void *lku_plugin_create(const lku_plugin *plugin, uint32_t sample_rate, const char *options_json,
                            const char *stream_info_json) noexcept
    void lku_plugin_process(const lku_plugin *plugin, const void *session, const int16_t *samples, size_t num_samples,
                            int16_t *out) noexcept


cdef extern from "picture.h" nogil:
    enum:
        LKU_NUM_PIXEL_FORMATS

    ctypedef enum lku_pixel_format:
        LKU_I010

    ctypedef struct lku_plane:
        uint8_t *data
        ptrdiff_t stride

    ctypedef struct lku_picture:
        lku_pixel_format format
        size_t width
        size_t height
        lku_plane planes[4]

    ctypedef struct lku_plane_layout:
        unsigned half_x
        unsigned half_y
        size_t num_values
        size_t num_bytes

    size_t lku_num_planes(lku_pixel_format format) noexcept
    lku_plane_layout lku_layout(lku_pixel_format format, size_t plane) noexcept
    size_t lku_halved(size_t size, unsigned half) noexcept


cdef extern from "pixels.h" nogil:
    ctypedef struct lku_colour:
        double red
        double blue
        bint full_range

    void lku_convert_picture(lku_simd simd, const lku_picture *in_, lku_colour colour, bint flip_y,
                             const lku_picture *out) noexcept


cdef extern from "scale.h" nogil:
    enum:
        LKU_SCALE_MAX_SIZE

    ctypedef enum lku_scale_filter:
        LKU_SCALE_AUTO
        LKU_SCALE_BOX
        LKU_SCALE_BILINEAR

    ctypedef struct lku_scale_window:
        uint32_t first

    void lku_scale_plane(lku_simd simd, lku_scale_filter filter, const lku_plane *from_, size_t from_width,
                         size_t from_height, const lku_plane *to, size_t to_width, size_t to_height, size_t num_values,
                         size_t num_bytes, lku_scale_window *windows, uint32_t *sums) noexcept
