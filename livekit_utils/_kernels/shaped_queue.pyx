"""ShapedQueue is a GainQueue that fades, has a place between left and right, is late, and can be held."""
from libc.math cimport llround
from libc.stdint cimport int32_t, int64_t
from libc.string cimport memcpy, memset

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.gain_queue cimport GainQueue, moving_gain
from livekit_utils._kernels.sample_queue cimport SampleQueue

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL

cdef enum:
    MAX_SAMPLES = 0x7FFFFFFF  # per channel
    MAX_DELAY = 0x1000000     # samples per channel

cdef Py_ssize_t MAX_RAMP = 0xFFFFFFFF  # samples per channel

# What the factors of a shape are for.
cdef enum:
    HOLD = 0

# The factor that belongs to the owner of a queue.
cpdef enum:
    DUCK = 1


cdef int move(csrc.lku_ramp *ramp, double value, Py_ssize_t ramp_length) except -1:
    """Moves a factor in a straight line from where it has come to; a length of 0 jumps."""
    cdef int32_t target, now = csrc.lku_ramp_at(ramp, 0)
    # NaN fails the comparison too.
    if not 0.0 <= value <= 2.0:
        raise ValueError(f"value: expected a number from 0 to 2, got {value}")
    if not 0 <= ramp_length <= MAX_RAMP:
        raise ValueError(f"ramp_length: expected 0 to {MAX_RAMP}, got {ramp_length}")
    target = <int32_t>llround(value * csrc.LKU_GAIN_UNITY)
    ramp[0] = csrc.lku_ramp_make(now, target, <unsigned int>(ramp_length if target != now else 0), 0)
    return 0


cdef void pass_by(csrc.lku_ramp *ramp, Py_ssize_t samples_per_channel) noexcept:
    if ramp.position < <int64_t>ramp.length:
        ramp.position += samples_per_channel


cdef bint is_unity(const csrc.lku_ramp *ramp) noexcept:
    return ramp.value == csrc.LKU_GAIN_UNITY and csrc.lku_ramp_at(ramp, 0) == csrc.LKU_GAIN_UNITY


cdef int32_t gain_at(const moving_gain *moving, Py_ssize_t frame) noexcept:
    cdef csrc.lku_ramp ramp = csrc.lku_ramp_make(
        moving.gain_from, moving.gain, moving.ramp_length, moving.ramp_position)
    return csrc.lku_ramp_at(&ramp, frame)


cdef int32_t peak_of(const csrc.lku_s16 *samples, Py_ssize_t num_values) noexcept:
    cdef csrc.lku_level level
    if num_values == 0:
        return 0
    csrc.lku_level_s16(SIMD, samples, num_values, &level)
    return level.peak


cdef class ShapedQueue(GainQueue):
    """A GainQueue with factors that move on their own, two sides, a delay, and a hold.

    All of it goes by the time of the mix: each mix moves it on by the samples that it takes. The factors and the gain
    are multiplied (csrc/mix_shape.h), so that none disturbs another.

    - `is_shaped`: whether any of it is in use. Else it is a plain GainQueue.
    - `skips`: nothing is taken of it in the next mix, while its factors and what is delayed move on.
    - `delay`: samples per channel by which it is heard later than it is taken.
    - `rest`: samples per channel of mixes until all that was taken is heard.

    Args:
        num_channels: 1 to 128.
        gain: A factor, above -128 and below 128.
    """

    def __cinit__(self, Py_ssize_t num_channels, double gain=1.0, *args, **kwargs):
        cdef csrc.lku_ramp unity = csrc.lku_ramp_make(csrc.LKU_GAIN_UNITY, csrc.LKU_GAIN_UNITY, 0, 0)
        self._shape.fade = self._shape.sides[0] = self._shape.sides[1] = unity
        for i in range(csrc.LKU_MIX_NUM_FACTORS):
            self._shape.factors[i] = unity
        self._left = -1

    @property
    def is_held(self):
        """Whether nothing is taken from it."""
        return self._left == 0

    @property
    def has_faded_out(self):
        return self._shape.fade.value == 0 and csrc.lku_ramp_at(&self._shape.fade, 0) == 0 and not self._is_armed

    def set_delay(self, Py_ssize_t samples_per_channel):
        """Sets the delay, before the first mix."""
        if not 0 <= samples_per_channel <= MAX_DELAY:
            raise ValueError(f"samples_per_channel: expected 0 to {MAX_DELAY}, got {samples_per_channel}")
        self.delay = samples_per_channel
        self._line = None
        if samples_per_channel:
            self._line = GainQueue(self.num_channels)
            self._line.push_silence(samples_per_channel)
            self.is_shaped = True

    def fade_in(self, Py_ssize_t ramp_length):
        """Lets it rise from silence, beginning with the first sample that is heard of it."""
        if not 0 <= ramp_length <= MAX_RAMP:
            raise ValueError(f"ramp_length: expected 0 to {MAX_RAMP}, got {ramp_length}")
        if ramp_length:
            self._shape.fade = csrc.lku_ramp_make(0, csrc.LKU_GAIN_UNITY, <unsigned int>ramp_length, 0)
            self._is_armed = self.is_shaped = True

    def fade_out(self, Py_ssize_t ramp_length):
        """Lets it fall to silence over the next `ramp_length` samples per channel of the mix, from where it is."""
        move(&self._shape.fade, 0.0, ramp_length)
        self._is_armed = self._is_waiting = False
        self.is_shaped = True

    def set_sides(self, double left, double right, Py_ssize_t ramp_length):
        """Moves the gains of left and right, 0 to 2, in straight lines. They count for two channels only."""
        move(&self._shape.sides[0], left, ramp_length)
        move(&self._shape.sides[1], right, ramp_length)
        self.is_shaped = True

    def set_factor(self, int factor, double value, Py_ssize_t ramp_length):
        """Moves DUCK, 0 to 2, in a straight line."""
        if factor != DUCK:
            raise ValueError(f"factor: expected DUCK, got {factor}")
        move(&self._shape.factors[factor], value, ramp_length)
        self.is_shaped = True

    def hold(self, Py_ssize_t ramp_length):
        """Lets it fall to silence over its next `ramp_length` samples per channel, and takes no more of it."""
        move(&self._shape.factors[HOLD], 0.0, ramp_length)
        self._left = ramp_length
        self.is_shaped = True

    def go_on(self, Py_ssize_t ramp_length):
        """Ends a hold: it goes on behind the last sample that was taken, and rises from silence."""
        move(&self._shape.factors[HOLD], 1.0, ramp_length)
        self._left = -1
        self.is_shaped = True

    def has_sound(self, Py_ssize_t samples_per_channel, Py_ssize_t least):
        """Whether the next so many samples will be heard with a peak of `least` or more (full scale is 32768), by the
        gain at their first or last sample, and without DUCK."""
        cdef Py_ssize_t num_values = samples_per_channel * self.num_channels, late = 0
        cdef int32_t peak = 0
        cdef csrc.lku_mix_shape shape
        cdef int64_t first, last
        if not 1 <= samples_per_channel <= MAX_SAMPLES:
            raise ValueError(f"samples_per_channel: expected 1 to {MAX_SAMPLES}, got {samples_per_channel}")
        if self._left >= 0:
            num_values = min(num_values, self._left * self.num_channels)
        if self._line is not None:
            late = min(num_values, self.delay * self.num_channels)
            peak = peak_of(self._line._samples + self._line._head, late)
        peak = max(peak, peak_of(self._samples + self._head, min(0 if self.skips else self._size, num_values - late)))
        if peak == 0:
            return False
        self._begin_fade()
        shape = self._shape
        shape.factors[DUCK] = csrc.lku_ramp_make(csrc.LKU_GAIN_UNITY, csrc.LKU_GAIN_UNITY, 0, 0)
        first = csrc.lku_mix_shape_gain(&shape, gain_at(&self._gain, 0), 0)
        samples_per_channel = num_values // self.num_channels - 1
        last = csrc.lku_mix_shape_gain(&shape, gain_at(&self._gain, samples_per_channel), samples_per_channel)
        return peak * max(abs(first), abs(last)) >= <int64_t>least << csrc.LKU_GAIN_BITS

    cdef Py_ssize_t _fresh(self) noexcept:
        """Values that the mix takes from the queue."""
        return 0 if self.skips else min(self._size, self._taken)

    cdef double _power(self, Py_ssize_t num_values) noexcept:
        return 0.0 if self.skips or self._left == 0 else GainQueue._power(self, num_values)

    cdef void _apply_gate(self, Py_ssize_t samples_per_channel) noexcept:
        if not self._is_copied:
            GainQueue._apply_gate(self, samples_per_channel)

    cdef void _begin_fade(self) noexcept:
        """Lets the fade begin where the first sample will be heard."""
        if self._is_armed and self._size > 0:
            self._shape.fade.position = -(self._lead + self.delay)
            self._is_armed = False
            self._is_waiting = True

    cdef Py_ssize_t _describe(self, Py_ssize_t num_values, csrc.lku_mix_input *description) except -1:
        cdef Py_ssize_t described
        self._is_copied = False
        if not self.is_shaped:
            return GainQueue._describe(self, num_values, description)
        self._taken = num_values if self._left < 0 else min(num_values, self._left * self.num_channels)
        if not self.skips:
            self._begin_fade()
        if self._taken == 0 or (self._fresh() == 0 and self.rest == 0):
            self._level_values = 0
            return 0
        if self._line is None and self._taken == num_values:
            described = GainQueue._describe(self, num_values, description)
        else:
            described = self._describe_copy(num_values, description)
        description.shape = &self._shape
        return described

    cdef Py_ssize_t _describe_copy(self, Py_ssize_t num_values, csrc.lku_mix_input *description) except -1:
        """Describes a block that is not as it lies in the queue."""
        cdef Py_ssize_t n = self._fresh(), heard = self._taken
        cdef SampleQueue line = self._line
        cdef csrc.lku_s16 *samples
        if line is None:
            if self._part is None:
                self._part = SampleQueue(self.num_channels)
            line = self._part
        line._size = self.delay * self.num_channels  # without the samples of a mix that has failed
        line._make_room(max(heard, num_values))
        samples = line._samples + line._head + line._size
        if self._gate.gain == 0 and self._gate.ramp_length == 0:
            n = 0
        memcpy(samples, self._samples + self._head, n * 2)
        memset(samples + n, 0, (heard - n) * 2)
        self._run_gate(samples, heard // self.num_channels)
        self._is_copied = True
        if self._line is not None:
            line._size += heard
        samples = line._samples + line._head
        self._level_values = heard
        csrc.lku_level_s16(SIMD, samples, heard, &self._level)
        if heard < num_values:
            if self._line is not None:
                if self._part is None:
                    self._part = SampleQueue(self.num_channels)
                self._part._make_room(num_values)
                samples = <csrc.lku_s16 *>memcpy(self._part._samples, samples, heard * 2)
            memset(samples + heard, 0, (num_values - heard) * 2)
        description.samples = samples
        description.gain = self._gain.gain
        description.gain_from = self._gain.gain_from
        description.ramp_length = self._gain.ramp_length
        description.ramp_position = self._gain.ramp_position
        return 1

    cdef void _take_out(self, Py_ssize_t samples_per_channel) noexcept:
        cdef Py_ssize_t n
        if not self.is_shaped:
            GainQueue._take_out(self, samples_per_channel)
            return
        n = self._fresh()
        if self._line is not None and self._taken and (n or self.rest):
            self._line._drop(self._taken)
            # Silence that was taken behind the samples has moved them on already.
            self.rest = max(0, (self.delay if n else self.rest) - (self._taken - n) // self.num_channels)
        if self._left > 0:
            self._left -= self._taken // self.num_channels
        if self._is_waiting and self._shape.fade.position + self._taken // self.num_channels <= 0:
            self._shape.fade.position += self._taken // self.num_channels  # a hold delays what is delayed
        elif not self._is_armed:
            self._is_waiting = False
            pass_by(&self._shape.fade, samples_per_channel)
        for i in range(csrc.LKU_MIX_NUM_FACTORS):
            pass_by(&self._shape.factors[i], samples_per_channel)
        for i in range(2):
            pass_by(&self._shape.sides[i], samples_per_channel)
        self._rest_if_done()
        # Last: a class that counts what is left sees the state behind the mix.
        self._move_on(samples_per_channel)
        self._drop(n)

    cdef void _rest_if_done(self) noexcept:
        """A shape that changes nothing any more costs nothing any more."""
        cdef bint is_plain = self._line is None and self._left < 0 and not self._is_armed
        is_plain = is_plain and is_unity(&self._shape.fade)
        for i in range(csrc.LKU_MIX_NUM_FACTORS):
            is_plain = is_plain and is_unity(&self._shape.factors[i])
        for i in range(2):
            is_plain = is_plain and is_unity(&self._shape.sides[i])
        self.is_shaped = not is_plain
