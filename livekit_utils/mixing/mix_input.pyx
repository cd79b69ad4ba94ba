"""What the mixer holds of each of its streams: the samples not mixed yet, and the gain."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport sqrt
from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memcpy, memset

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.gain cimport fixed_gain
from livekit_utils._kernels.sample_queue cimport SampleQueue
from livekit_utils.frames.audio_frame cimport AudioFrame

from livekit_utils._kernels import simd as _simd

cdef csrc.lku_simd SIMD = <csrc.lku_simd><int>_simd.LEVEL


cdef enum:
    MAX_INPUTS = 131071  # at a gain of 128 each they reach LKU_MIX_MAX_TOTAL_GAIN
    MAX_FRAMES = 0x7FFFFFFF


cdef int check_frames(Py_ssize_t num_frames) except -1:
    if not 0 <= num_frames <= MAX_FRAMES:
        raise ValueError(f"expected 0 to {MAX_FRAMES} frames, got {num_frames}")
    return 0


cdef class MixInput(SampleQueue):
    """A queue of frames, and a gain that moves in ramps.

    The mixer sets what it is to look after:

    - `expected`: whether a block has to wait for this input.
    - `plain`: whether `take` may take frames of `sample_rate` as they are.
    - `block` and `read_ahead`: the frames that are its part of a block, and those from which on it is full.
    - `paused`: whether its reader waits for room.
    """

    cdef readonly unsigned long long frames_in
    cdef public bint expected, plain, paused
    cdef public Py_ssize_t sample_rate, block, read_ahead
    cdef int32_t _gain, _gain_from
    cdef uint32_t _ramp_frames, _ramp_position
    cdef csrc.lku_level _level
    cdef Py_ssize_t _level_samples

    def __cinit__(self, Py_ssize_t num_channels, double gain=1.0, *args, **kwargs):
        self.expected = True
        self.block = self.read_ahead = MAX_FRAMES
        self._gain = fixed_gain(gain)

    @property
    def gain(self):
        """The gain that the last ramp leads to."""
        return self._gain / <double>csrc.LKU_GAIN_UNITY

    @property
    def level(self):
        """(peak, RMS) of what the last block took from this input, before the gain; full scale is 32768."""
        if self._level_samples == 0:
            return 0, 0.0
        return self._level.peak, sqrt(<double>self._level.sum_squares / self._level_samples)

    def push(self, data):
        """Appends a copy of whole frames; returns how many there are now."""
        cdef Py_ssize_t before = self._size, num_frames = SampleQueue.push(self, data)
        self.frames_in += (self._size - before) // self.num_channels
        return num_frames

    def take(self, item):
        """Appends a copy of a frame, where it is one and needs no conversion.

        Returns:
            -1 where it is anything else; otherwise the sum of 1 if it completed this input's part of a block, and 2 if
            the input is full.
        """
        cdef AudioFrame frame
        cdef Py_ssize_t n, before = self._size
        if not self.plain or not isinstance(item, AudioFrame):
            return -1
        frame = <AudioFrame>item
        if frame.sample_rate != self.sample_rate or frame.num_channels != self.num_channels:
            return -1
        n = frame.samples_per_channel * frame.num_channels
        if n > 0:
            self._make_room(n)
            memcpy(self._samples + self._head + before, frame._samples, n * 2)
            self._size += n
        self.frames_in += frame.samples_per_channel
        return ((before < self.block * self.num_channels <= self._size)
                + 2 * (self._size >= self.read_ahead * self.num_channels))

    def push_silence(self, Py_ssize_t num_frames):
        """Appends silence, which does not count as input."""
        check_frames(num_frames)
        cdef Py_ssize_t n = num_frames * self.num_channels
        if n > 0:
            self._make_room(n)
            memset(self._samples + self._head + self._size, 0, n * 2)
            self._size += n

    def set_gain(self, double gain, Py_ssize_t ramp_frames):
        """Moves the gain in a straight line over the next `ramp_frames` mixed frames; 0 jumps."""
        cdef int32_t target = fixed_gain(gain)
        if not 0 <= ramp_frames <= 0xFFFFFFFF:
            raise ValueError(f"expected a ramp of 0 to {0xFFFFFFFF} frames, got {ramp_frames}")
        # A new ramp starts where an old one that is under way has come to.
        self._gain_from = csrc.lku_mix_ramp_gain(self._gain_from, self._gain, self._ramp_frames, self._ramp_position)
        self._gain = target
        self._ramp_frames = ramp_frames if target != self._gain_from else 0
        self._ramp_position = 0

    cdef Py_ssize_t _describe(self, Py_ssize_t num_samples, csrc.lku_mix_input *description) except -1:
        """Points the kernel at the next samples, with silence put behind where too few are there; returns 1, or 0
        where there are none at all."""
        cdef Py_ssize_t n = min(self._size, num_samples)
        self._level_samples = n
        if n == 0:
            return 0
        csrc.lku_level_s16(SIMD, self._samples + self._head, n, &self._level)
        if n < num_samples:
            self._make_room(num_samples - n)
            memset(self._samples + self._head + n, 0, (num_samples - n) * 2)
        description.samples = self._samples + self._head
        description.gain = self._gain
        description.gain_from = self._gain_from
        description.ramp_frames = self._ramp_frames
        description.ramp_position = self._ramp_position
        return 1

    cdef void _consume(self, Py_ssize_t num_samples, Py_ssize_t num_frames) noexcept:
        self._drop(num_samples)
        if self._ramp_frames - self._ramp_position > num_frames:
            self._ramp_position += <uint32_t>num_frames
        else:
            self._ramp_frames = 0
            self._ramp_position = 0


def mix_inputs(list inputs, Py_ssize_t num_frames, Py_ssize_t num_channels):
    """Takes up to `num_frames` frames from each input and returns their mix; what an input lacks is silence."""
    check_frames(num_frames)
    cdef Py_ssize_t num_inputs = len(inputs), num_samples = num_frames * num_channels, i, described = 0
    cdef MixInput source
    if not 1 <= num_channels <= <Py_ssize_t>csrc.LKU_MIX_MAX_CHANNELS:
        raise ValueError(f"expected 1 to {csrc.LKU_MIX_MAX_CHANNELS} channels, got {num_channels}")
    if num_inputs > MAX_INPUTS:
        raise ValueError(f"expected at most {MAX_INPUTS} inputs, got {num_inputs}")
    for i in range(num_inputs):
        if not isinstance(inputs[i], MixInput):
            raise TypeError(f"expected a MixInput, got {type(inputs[i]).__name__}")
        source = <MixInput>inputs[i]
        if source.num_channels != num_channels:
            raise ValueError(f"expected inputs of {num_channels} channels, got {source.num_channels}")
    cdef csrc.lku_mix_input *descriptions = \
        <csrc.lku_mix_input *>PyMem_Malloc(max(num_inputs, 1) * sizeof(csrc.lku_mix_input))
    try:
        if descriptions is NULL:
            raise MemoryError()
        result = PyByteArray_FromStringAndSize(NULL, num_samples * 2)
        for i in range(num_inputs):
            source = <MixInput>inputs[i]
            # An input without samples adds nothing.
            described += source._describe(num_samples, &descriptions[described])
        csrc.lku_mix_s16(SIMD, descriptions, described, num_frames, num_channels,
                         <csrc.lku_s16 *>PyByteArray_AS_STRING(result))
        # Only now is anything taken: an exception above leaves every input as it was.
        for i in range(num_inputs):
            source = <MixInput>inputs[i]
            source._consume(num_samples, num_frames)
        return result
    finally:
        PyMem_Free(descriptions)


def survey(list inputs, Py_ssize_t num_frames):
    """Counts the inputs with a view to a block of `num_frames` frames: those that it still waits for, those that are
    ready to give it all they will, those that it waits for at all, those that hold anything, and the paused ones that
    do not hold a block. One that is not expected is ready with whatever it has.
    """
    check_frames(num_frames)
    cdef MixInput source
    cdef Py_ssize_t num_lacking = 0, num_ready = 0, num_expected = 0, num_holding = 0, num_starved = 0
    cdef bint has_part
    for item in inputs:
        if not isinstance(item, MixInput):
            raise TypeError(f"expected a MixInput, got {type(item).__name__}")
        source = <MixInput>item
        has_part = source._size >= num_frames * source.num_channels
        if source._size > 0:
            num_holding += 1
        if source.paused and not has_part:
            num_starved += 1
        if source.expected:
            num_expected += 1
            num_lacking += not has_part
            num_ready += has_part
        elif source._size > 0:
            num_ready += 1
    return num_lacking, num_ready, num_expected, num_holding, num_starved
