"""Gains that move in ramps: GainQueue is a queue of samples with one, `mix` adds many up, `mix_each` makes many mixes
of them, Ramp is one alone."""
cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport fabs, llround, sqrt
from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memcpy, memset

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16, uneven
from livekit_utils._kernels.limiter cimport Limiter
from livekit_utils._kernels.sample_queue cimport SampleQueue

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef enum:
    GATE_TILE = 512  # values
    MAX_QUEUES = 131071  # at a gain of 128 each they reach LKU_MIX_MAX_TOTAL_GAIN
    MAX_SAMPLES = 0x7FFFFFFF  # per channel

cdef Py_ssize_t MAX_RAMP = 0xFFFFFFFF  # samples per channel


cdef int check_samples(Py_ssize_t samples_per_channel) except -1:
    if not 0 <= samples_per_channel <= MAX_SAMPLES:
        raise ValueError(f"samples_per_channel: expected 0 to {MAX_SAMPLES}, got {samples_per_channel}")
    return 0


cdef int32_t fixed_gain(double gain) except? -1:
    """A gain as a factor, in the fixed point of the mix kernel."""
    # NaN fails the comparison too.
    if not fabs(gain) < 128.0:
        raise ValueError(f"gain: expected a number above -128 and below 128 (+42 dB), got {gain}")
    return <int32_t>min(llround(gain * csrc.LKU_GAIN_UNITY), 2147483647)


cdef int start_ramp(moving_gain *moving, double gain, Py_ssize_t ramp_length) except -1:
    """Moves the gain in a straight line from where it has come to; a length of 0 jumps."""
    cdef int32_t target = fixed_gain(gain)
    if not 0 <= ramp_length <= MAX_RAMP:
        raise ValueError(f"ramp_length: expected 0 to {MAX_RAMP}, got {ramp_length}")
    moving.gain_from = csrc.lku_mix_ramp_gain(
        moving.gain_from, moving.gain, moving.ramp_length, moving.ramp_position)
    moving.gain = target
    moving.ramp_length = ramp_length if target != moving.gain_from else 0
    moving.ramp_position = 0
    return 0


cdef inline void advance(moving_gain *moving, Py_ssize_t samples_per_channel) noexcept:
    if moving.ramp_length == 0:
        return
    if moving.ramp_length - moving.ramp_position > samples_per_channel:
        moving.ramp_position += <uint32_t>samples_per_channel
    else:
        moving.ramp_length = 0
        moving.ramp_position = 0


cdef void describe(const moving_gain *moving, const csrc.lku_s16 *samples, csrc.lku_mix_input *description) noexcept:
    description.samples = samples
    description.gain = moving.gain
    description.gain_from = moving.gain_from
    description.ramp_length = moving.ramp_length
    description.ramp_position = moving.ramp_position
    description.shape = NULL


cdef class GainQueue(SampleQueue):
    """A queue of samples to be mixed, and a gain that moves in ramps.

    Args:
        num_channels: 1 to 128.
        gain: A factor, above -128 and below 128.
    """

    def __cinit__(self, Py_ssize_t num_channels, double gain=1.0, *args, **kwargs):
        self._gain.gain = fixed_gain(gain)
        self._gate.gain = csrc.LKU_GAIN_UNITY
        self._described = -1

    @property
    def gain(self):
        """The gain that the last ramp leads to."""
        return self._gain.gain / <double>csrc.LKU_GAIN_UNITY

    @property
    def level(self):
        """(peak, RMS) of the samples that the last mix took from this queue, before the gain; full scale is 32768."""
        if self._level_values == 0:
            return 0, 0.0
        return self._level.peak, sqrt(<double>self._level.sum_squares / self._level_values)

    def push_silence(self, Py_ssize_t samples_per_channel):
        """Appends silence."""
        check_samples(samples_per_channel)
        cdef Py_ssize_t n = samples_per_channel * self.num_channels
        if n > 0:
            self._make_room(n)
            memset(self._samples + self._head + self._size, 0, n * 2)
            self._size += n

    def set_gain(self, double gain, Py_ssize_t ramp_length):
        """Moves the gain in a straight line over the next `ramp_length` samples per channel of the mix; 0 jumps.

        A ramp that is under way ends where it has come to, and the new one starts there.
        """
        start_ramp(&self._gain, gain, ramp_length)

    def gate(self, bint is_open, Py_ssize_t ramp_length):
        """Lets the samples through or not, after a fade over the next `ramp_length` samples of the mix; 0 jumps.

        In the fade, samples are rounded to 16 bits. An open gate leaves every bit as it is.
        """
        start_ramp(&self._gate, 1.0 if is_open else 0.0, ramp_length)

    def leave_out(self, Py_ssize_t samples_per_channel, Py_ssize_t fade_length):
        """Drops the first samples, and fades over from them to what follows, in up to `fade_length` samples."""
        check_samples(samples_per_channel)
        check_samples(fade_length)
        cdef Py_ssize_t total = self._size // self.num_channels, dropped = min(samples_per_channel, total)
        cdef Py_ssize_t fade = min(fade_length, min(dropped, total - dropped)), i, channel, at
        cdef csrc.lku_s16 *before = self._samples + self._head
        cdef csrc.lku_s16 *behind = before + dropped * self.num_channels
        for i in range(fade):
            for channel in range(self.num_channels):
                at = i * self.num_channels + channel
                # All of it is positive for the division, which rounds to the nearest.
                behind[at] = <csrc.lku_s16>(
                    ((before[at] + 32768) * (fade - i) + (behind[at] + 32768) * i + fade // 2) // fade - 32768)
        self._drop(dropped * self.num_channels)

    cdef double _power(self, Py_ssize_t num_values) noexcept:
        """Mean power of the next samples, after the gain, against full scale."""
        cdef csrc.lku_level level
        cdef Py_ssize_t n = min(self._size, num_values)
        cdef double gain = self._gain.gain / <double>csrc.LKU_GAIN_UNITY
        if n == 0:
            return 0.0
        csrc.lku_level_s16(SIMD, self._samples + self._head, n, &level)
        return <double>level.sum_squares / num_values / 1073741824.0 * gain * gain

    cdef void _apply_gate(self, Py_ssize_t samples_per_channel) noexcept:
        if self._level_values:
            self._run_gate(self._samples + self._head, samples_per_channel)

    cdef void _run_gate(self, csrc.lku_s16 *samples, Py_ssize_t samples_per_channel) noexcept:
        """Fades samples in place. Without a ramp the gate is open, or closed: then the queue is not mixed."""
        cdef csrc.lku_s16[GATE_TILE] tile
        cdef moving_gain moving = self._gate
        cdef csrc.lku_mix_input description
        cdef Py_ssize_t start, n, step = GATE_TILE // self.num_channels
        if moving.ramp_length == 0:
            return
        for start in range(0, samples_per_channel, step):
            n = min(step, samples_per_channel - start)
            memcpy(tile, samples + start * self.num_channels, n * self.num_channels * 2)
            describe(&moving, tile, &description)
            csrc.lku_mix_s16(SIMD, &description, 1, n, self.num_channels, samples + start * self.num_channels)
            advance(&moving, n)

    cdef Py_ssize_t _describe(self, Py_ssize_t num_values, csrc.lku_mix_input *description) except -1:
        """Points the kernel at the next samples, with silence behind them where there are too few; returns 1, or 0
        where there are none at all."""
        cdef Py_ssize_t n = min(self._size, num_values)
        self._level_values = n
        if n == 0:
            return 0
        csrc.lku_level_s16(SIMD, self._samples + self._head, n, &self._level)
        if self._gate.gain == 0 and self._gate.ramp_length == 0:
            return 0
        if n < num_values:
            self._make_room(num_values - n)
            memset(self._samples + self._head + n, 0, (num_values - n) * 2)
        describe(&self._gain, self._samples + self._head, description)
        return 1

    cdef void _take_out(self, Py_ssize_t samples_per_channel) noexcept:
        """Drops what was mixed, and moves the gain on."""
        self._move_on(samples_per_channel)
        self._drop(samples_per_channel * self.num_channels)

    @cython.final
    cdef void _move_on(self, Py_ssize_t samples_per_channel) noexcept:
        advance(&self._gain, samples_per_channel)
        advance(&self._gate, samples_per_channel)


cdef int check_queues(list queues, Py_ssize_t samples_per_channel, Py_ssize_t num_channels) except -1:
    cdef GainQueue queue
    check_samples(samples_per_channel)
    if not 1 <= num_channels <= <Py_ssize_t>csrc.LKU_MIX_MAX_CHANNELS:
        raise ValueError(f"num_channels: expected 1 to {csrc.LKU_MIX_MAX_CHANNELS}, got {num_channels}")
    if len(queues) > MAX_QUEUES:
        raise ValueError(f"queues: expected at most {MAX_QUEUES}, got {len(queues)}")
    for item in queues:
        if not isinstance(item, GainQueue):
            raise TypeError(f"queues: expected GainQueues, got {type(item).__name__}")
        queue = <GainQueue>item
        if queue.num_channels != num_channels:
            raise ValueError(f"queues: expected {num_channels} channels, got {queue.num_channels}")
    return 0


cdef void apply_gates(list queues, Py_ssize_t samples_per_channel) noexcept:
    for item in queues:
        if (<GainQueue>item)._gate.ramp_length:
            (<GainQueue>item)._apply_gate(samples_per_channel)


cdef void take_out(list queues, Py_ssize_t samples_per_channel) noexcept:
    for item in queues:
        (<GainQueue>item)._take_out(samples_per_channel)


def measure(list queues, Py_ssize_t samples_per_channel):
    """Returns the mean power of the next samples of each queue, after its gain, against full scale; takes nothing."""
    check_samples(samples_per_channel)
    return [(<GainQueue?>queue)._power(samples_per_channel * (<GainQueue>queue).num_channels) for queue in queues]


cdef int check_limiter(Limiter limiter, Py_ssize_t num_channels) except -1:
    if limiter is not None and <Py_ssize_t>limiter._state.num_channels != num_channels:
        raise ValueError(f"limiter: expected one for {num_channels} channels, got {limiter.num_channels}")
    return 0


def mix(list queues, Py_ssize_t samples_per_channel, Py_ssize_t num_channels, Limiter limiter=None):
    """Takes up to `samples_per_channel` samples from each queue and returns the sum, each with its gain, saturated
    once. A queue that has fewer is silent behind them. A limiter makes the sum later, and keeps it below its
    ceiling."""
    check_queues(queues, samples_per_channel, num_channels)
    check_limiter(limiter, num_channels)
    cdef Py_ssize_t num_values = samples_per_channel * num_channels, described = 0
    cdef int64_t *total = NULL
    cdef csrc.lku_mix_input *descriptions = \
        <csrc.lku_mix_input *>PyMem_Malloc(max(<Py_ssize_t>len(queues), 1) * sizeof(csrc.lku_mix_input))
    try:
        if limiter is not None:
            total = <int64_t *>PyMem_Malloc(max(num_values, 1) * sizeof(int64_t))
        if descriptions is NULL or (limiter is not None and total is NULL):
            raise MemoryError()
        result = PyByteArray_FromStringAndSize(NULL, num_values * 2)
        for queue in queues:
            # A queue without samples adds nothing.
            described += (<GainQueue>queue)._describe(num_values, &descriptions[described])
        apply_gates(queues, samples_per_channel)
        if limiter is None:
            csrc.lku_mix_s16(SIMD, descriptions, described, samples_per_channel, num_channels,
                             <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        else:
            csrc.lku_mix_sum(SIMD, descriptions, described, samples_per_channel, num_channels, total)
            limiter.limit(total, samples_per_channel, <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        # Only now is anything taken: an exception above leaves every queue as it was.
        take_out(queues, samples_per_channel)
        return result
    finally:
        PyMem_Free(descriptions)
        PyMem_Free(total)


def mix_each(list queues, Py_ssize_t samples_per_channel, Py_ssize_t num_channels, list without, list limiters=None):
    """`mix` for many readers at once: returns a mix for each item of `without`, a list of queues that it leaves out.

    Every mix is what `mix` makes of the other queues. Queues that are not among `queues` are nothing to leave out. The
    time grows with the number of queues and the number of mixes, not with their product. `limiters` are those of the
    mixes, in the same order.
    """
    check_queues(queues, samples_per_channel, num_channels)
    if limiters is not None:
        if len(limiters) != len(without):
            raise ValueError(f"limiters: expected {len(without)}, got {len(limiters)}")
        for item in limiters:
            if not isinstance(item, Limiter):
                raise TypeError(f"limiters: expected Limiters, got {type(item).__name__}")
            check_limiter(<Limiter>item, num_channels)
    for left_out in without:
        if not isinstance(left_out, list):
            raise TypeError(f"without: expected lists of GainQueues, got {type(left_out).__name__}")
        for item in <list>left_out:
            if not isinstance(item, GainQueue):
                raise TypeError(f"without: expected lists of GainQueues, got one of {type(item).__name__}")
    cdef Py_ssize_t num_values = samples_per_channel * num_channels, most_left_out = 0, described = 0, num_left_out
    cdef GainQueue queue
    cdef csrc.lku_mix_input *descriptions = NULL
    cdef csrc.lku_mix_input *chosen
    cdef int64_t *total = NULL
    cdef int64_t *rest = NULL
    for left_out in without:
        most_left_out = max(most_left_out, <Py_ssize_t>len(<list>left_out))
    try:
        # Behind the descriptions of all queues is room for those that one mix leaves out.
        descriptions = <csrc.lku_mix_input *>PyMem_Malloc(
            (<Py_ssize_t>len(queues) + most_left_out + 1) * sizeof(csrc.lku_mix_input))
        total = <int64_t *>PyMem_Malloc(max(num_values, 1) * sizeof(int64_t))
        if limiters is not None:
            rest = <int64_t *>PyMem_Malloc(max(num_values, 1) * sizeof(int64_t))
        if descriptions is NULL or total is NULL or (limiters is not None and rest is NULL):
            raise MemoryError()
        results = [PyByteArray_FromStringAndSize(NULL, num_values * 2) for _ in without]
        for item in queues:
            queue = <GainQueue>item
            if queue._describe(num_values, &descriptions[described]):
                queue._described = described
                described += 1
        apply_gates(queues, samples_per_channel)
        chosen = descriptions + described
        csrc.lku_mix_sum(SIMD, descriptions, described, samples_per_channel, num_channels, total)
        for number, (left_out, result) in enumerate(zip(without, results)):
            num_left_out = 0
            for item in <list>left_out:
                queue = <GainQueue>item
                if queue._described >= 0:
                    chosen[num_left_out] = descriptions[queue._described]
                    num_left_out += 1
            if limiters is None:
                csrc.lku_mix_less(SIMD, total, chosen, num_left_out, samples_per_channel, num_channels,
                                  <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
            else:
                csrc.lku_mix_rest(SIMD, total, chosen, num_left_out, samples_per_channel, num_channels, rest)
                (<Limiter>limiters[number]).limit(rest, samples_per_channel,
                                                  <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        take_out(queues, samples_per_channel)
        return results
    finally:
        for item in queues:
            (<GainQueue>item)._described = -1
        PyMem_Free(descriptions)
        PyMem_Free(total)
        PyMem_Free(rest)


cdef class Ramp:
    """A gain that moves in ramps over the samples that are handed to it, and fades them out and in without steps.

    Args:
        num_channels: Of the interleaved samples, 1 to 128.
    """

    def __cinit__(self, Py_ssize_t num_channels):
        if not 1 <= num_channels <= <Py_ssize_t>csrc.LKU_MIX_MAX_CHANNELS:
            raise ValueError(f"num_channels: expected 1 to {csrc.LKU_MIX_MAX_CHANNELS}, got {num_channels}")
        self.num_channels = num_channels
        self._gain.gain = csrc.LKU_GAIN_UNITY

    @property
    def gain(self):
        """The gain that the last ramp leads to."""
        return self._gain.gain / <double>csrc.LKU_GAIN_UNITY

    def start(self, double gain, Py_ssize_t ramp_length):
        """Moves the gain in a straight line over the next `ramp_length` samples per channel, which are then the
        `samples_left`; 0 jumps. A ramp that is under way ends where it has come to, and the new one starts there."""
        start_ramp(&self._gain, gain, ramp_length)
        self.samples_left = ramp_length

    def apply(self, data):
        """Returns a copy of the samples with the gain."""
        cdef Py_buffer view
        cdef Py_ssize_t num_values = borrow_s16(data, &view), samples_per_channel = num_values // self.num_channels
        cdef csrc.lku_mix_input description
        try:
            if samples_per_channel * self.num_channels != num_values:
                raise uneven(num_values, self.num_channels)
            result = PyByteArray_FromStringAndSize(NULL, num_values * 2)
            describe(&self._gain, <const csrc.lku_s16 *>view.buf, &description)
            csrc.lku_mix_s16(SIMD, &description, 1, samples_per_channel, self.num_channels,
                             <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        finally:
            PyBuffer_Release(&view)
        advance(&self._gain, samples_per_channel)
        self.samples_left = max(0, self.samples_left - samples_per_channel)
        return result
