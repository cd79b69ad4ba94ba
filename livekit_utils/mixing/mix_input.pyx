"""MixInput, the queue of one of the mixer's streams, and `survey`, which says how far all of them are."""
from libc.string cimport memcpy

from livekit_utils._kernels.gain_queue cimport GainQueue
from livekit_utils._kernels.sample_queue cimport SampleQueue
from livekit_utils.frames.audio_frame cimport AudioFrame

import cython


cdef enum:
    MAX_SAMPLES = 0x7FFFFFFF  # per channel


cdef class MixInput(GainQueue):
    """The samples of a stream that have not been mixed yet, and what the mixer wants of them.

    The mixer sets:

    - `expected`: whether a block waits for this input.
    - `plain`: whether `take` may take frames of `sample_rate` as they are.
    - `block` and `read_ahead`: samples per channel of its part of a block, and those from which on it is full.
    - `paused`: whether the task that reads the stream waits for room.

    Args:
        num_channels: 1 to 128.
        gain: A factor, above -128 and below 128.
    """

    cdef readonly unsigned long long num_delivered  # samples per channel that the stream has delivered
    cdef readonly bint completes                    # whether the last `take` completed this input's part of a block
    cdef public bint expected, plain, paused
    cdef public Py_ssize_t sample_rate, block, read_ahead

    def __cinit__(self, *args, **kwargs):
        self.expected = True
        self.block = self.read_ahead = MAX_SAMPLES

    @property
    def is_full(self):
        """Whether the queue holds enough to stop reading the stream."""
        return self._size >= self.read_ahead * self.num_channels

    def push(self, data):
        """Appends a copy of the samples; returns how many per channel there are now."""
        cdef Py_ssize_t before = self._size, queued = SampleQueue.push(self, data)
        self.num_delivered += (self._size - before) // self.num_channels
        return queued

    def take(self, item):
        """Appends a copy of an AudioFrame that needs no conversion; returns whether it was one.

        `completes` then says whether this completed the input's part of a block.
        """
        cdef AudioFrame frame
        cdef Py_ssize_t n, before = self._size, part = self.block * self.num_channels
        if not self.plain or not isinstance(item, AudioFrame):
            return False
        frame = <AudioFrame>item
        if frame.sample_rate != self.sample_rate or frame.num_channels != self.num_channels:
            return False
        n = frame.samples_per_channel * frame.num_channels
        if n > 0:
            self._make_room(n)
            memcpy(self._samples + self._head + before, frame.samples(), n * 2)
            self._size += n
        self.num_delivered += frame.samples_per_channel
        self.completes = before < part <= self._size
        return True


@cython.final
@cython.freelist(8)
cdef class Survey:
    """How many inputs of a mixer can give their part of the next block."""

    cdef readonly Py_ssize_t lacking   # expected, and without their part
    cdef readonly Py_ssize_t ready     # with their part; not expected ones with whatever they hold
    cdef readonly Py_ssize_t expected  # that a block waits for
    cdef readonly Py_ssize_t holding   # with any samples
    cdef readonly Py_ssize_t starved   # paused, and without their part


def survey(list inputs, Py_ssize_t block):
    """Counts the inputs, for a block of this many samples per channel."""
    if not 0 <= block <= MAX_SAMPLES:
        raise ValueError(f"block: expected 0 to {MAX_SAMPLES}, got {block}")
    cdef MixInput source
    cdef Survey found = Survey.__new__(Survey)
    cdef bint has_part
    for item in inputs:
        if not isinstance(item, MixInput):
            raise TypeError(f"inputs: expected MixInputs, got {type(item).__name__}")
        source = <MixInput>item
        has_part = source._size >= block * source.num_channels
        found.holding += source._size > 0
        found.starved += source.paused and not has_part
        if source.expected:
            found.expected += 1
            found.lacking += not has_part
            found.ready += has_part
        else:
            found.ready += source._size > 0
    return found
