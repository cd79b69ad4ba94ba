"""MixInput, the queue of one of the mixer's streams, and MixInputs, which says how far all of them are."""
cimport cython
from libc.string cimport memcpy, memmove, memset

from livekit_utils._kernels.gain_queue cimport GainQueue
from livekit_utils._kernels.sample_queue cimport SampleQueue
from livekit_utils._kernels.shaped_queue cimport ShapedQueue
from livekit_utils.frames.audio_frame cimport AudioFrame, samples_of

from types import GenericAlias


cdef enum:
    MAX_SAMPLES = 0x7FFFFFFF  # per channel

# What the mixer has to do after `take` or `push`.
cpdef enum:
    NOTHING = 0  # the block waits for other inputs anyway, or there was nothing to append
    BLOCK = 1    # no input lacks its part of the block any more
    FIRST = 2    # this is the first input that has its part of the block
    PART = 3     # some of a block is there, and no input has all of its part
    FULL = 4     # nothing was appended: the queue holds `read_ahead` already
    REFUSED = 5  # nothing was appended: the item has no AudioFrame that can be taken as it is

# What an input counts as in `MixInputs`.
cdef enum:
    EXPECTED = 1
    LACKING = 2
    READY = 4
    HOLDING = 8
    STARVED = 16
    RUNNING = 32


cdef class MixInput(ShapedQueue):
    """The samples of a stream that have not been mixed yet, and what the mixer wants of them.

    The mixer sets:

    - `expected`: whether a block waits for this input.
    - `plain`: whether `take` may take frames of `sample_rate` as they are.
    - `read_ahead`: samples per channel from which on it is full.
    - `paused`: whether the task that reads the stream waits for room.
    - `draining`: whether the stream has ended, so that no block waits for it, but what is left of it is mixed.

    Args:
        num_channels: 1 to 128.
        gain: A factor, above -128 and below 128.
    """

    def __cinit__(self, *args, **kwargs):
        self._expected = True
        self.read_ahead = MAX_SAMPLES

    @property
    def expected(self):
        return self._expected

    @expected.setter
    def expected(self, bint expected):
        self._expected = expected
        self._count()

    @property
    def paused(self):
        return self._paused

    @paused.setter
    def paused(self, bint paused):
        self._paused = paused
        self._count()

    @property
    def draining(self):
        return self._draining

    @draining.setter
    def draining(self, bint draining):
        self._draining = draining
        self._count()

    @property
    def is_spent(self):
        """Whether there is nothing of it to be mixed or heard."""
        return self._size == 0 and self.rest == 0

    def hold(self, Py_ssize_t ramp_length):
        """Lets it fall to silence over its next `ramp_length` samples per channel, and takes no more of it."""
        ShapedQueue.hold(self, ramp_length)
        self._count()

    def go_on(self, Py_ssize_t ramp_length):
        """Ends a hold."""
        ShapedQueue.go_on(self, ramp_length)
        self._count()

    def push(self, data):
        """Appends a copy of the samples; returns what the mixer has to do, but never FULL."""
        cdef Py_ssize_t before = self._size
        SampleQueue.push(self, data)
        return self._appended(before, (self._size - before) // self.num_channels)

    def take(self, item):
        """Appends a copy of a frame that needs no conversion, also of an event's; returns what the mixer has to do."""
        if self._size >= self.read_ahead * self.num_channels or self._left == 0:
            return FULL
        return self._take(item)

    def take_more(self, item):
        """`take`, although the queue is full."""
        return self._take(item)

    cdef int _take(self, item) except -1:
        cdef AudioFrame frame = self._fitting(item) if self.plain else None
        return REFUSED if frame is None else self._append(frame)

    @cython.final
    cdef AudioFrame _fitting(self, item):
        """Returns the frame of an item (a frame, or an event with a `frame`) if it needs no conversion, else None."""
        cdef AudioFrame frame
        if not isinstance(item, AudioFrame):
            item = getattr(item, "frame", None)
            if not isinstance(item, AudioFrame):
                return None
        frame = <AudioFrame>item
        fits = frame.sample_rate == self.sample_rate and frame.num_channels == self.num_channels
        return frame if fits else None

    @cython.final
    cdef int _append(self, AudioFrame frame) except -1:
        cdef Py_ssize_t before = self._size, n = frame.samples_per_channel * frame.num_channels
        if n > 0:
            self._make_room(n)
            memcpy(self._samples + self._head + before, samples_of(frame), n * 2)
            self._size += n
        return self._appended(before, frame.samples_per_channel)

    def push_silence(self, Py_ssize_t samples_per_channel):
        """Appends silence, which the stream has not delivered."""
        if not self.num_delivered:
            self._lead += samples_per_channel
        GainQueue.push_silence(self, samples_per_channel)
        self._count()

    def begin_later(self, Py_ssize_t samples_per_channel):
        """Puts silence before its samples, of which none was mixed yet."""
        cdef Py_ssize_t n = samples_per_channel * self.num_channels
        if n <= 0:
            return
        self._make_room(n)
        memmove(self._samples + self._head + n, self._samples + self._head, self._size * 2)
        memset(self._samples + self._head, 0, n * 2)
        self._size += n
        if self._is_armed:
            self._lead += samples_per_channel
        self._count()

    @cython.final
    cdef int _appended(self, Py_ssize_t before, Py_ssize_t samples_per_channel) noexcept:
        """Counts samples that the stream has delivered."""
        cdef MixInputs inputs = self._inputs
        cdef Py_ssize_t part
        cdef bint is_kept_waiting, completes
        if self._size == before:
            return NOTHING
        self.num_delivered += samples_per_channel
        if inputs is None:
            return NOTHING
        is_kept_waiting = inputs.num_lacking > 0 and inputs.num_ready > 0
        part = inputs.block * self.num_channels
        completes = before < part <= self._size
        inputs.has_arrived = True
        self._count()
        if inputs.num_lacking == 0:
            return BLOCK if completes else NOTHING
        if is_kept_waiting:
            return NOTHING
        return FIRST if completes else PART

    cdef void _drop(self, Py_ssize_t num_samples) noexcept:
        SampleQueue._drop(self, num_samples)
        self._count()

    @cython.final
    cdef void _count(self) noexcept:
        """Counts this input in `_inputs` as what it is now."""
        cdef int is_now = 0, was = self._counted_as
        cdef bint has_part, has_some
        cdef MixInputs inputs = self._inputs
        if inputs is None:
            return
        if self._left != 0:  # what is held is as if it were not there
            has_part = self._size >= inputs.block * self.num_channels
            has_some = self._size > 0 or (self._draining and self.rest > 0)
            if has_some:
                is_now = HOLDING
            if self._paused and not has_part:
                is_now |= STARVED
            if self._expected:
                is_now |= EXPECTED | (READY if has_part else LACKING)
                if self.num_delivered:
                    is_now |= RUNNING
            elif has_some:
                is_now |= READY
        if is_now != was:
            self._counted_as = is_now
            inputs._move(was, is_now)


cdef class MixInputs:
    """The inputs of a mixer, and how many of them can give their part of the next block.

    The numbers are right at any time: each input counts itself when it changes.

    Args:
        block: Samples per channel of a block.
    """

    def __cinit__(self, Py_ssize_t block):
        if not 0 <= block <= MAX_SAMPLES:
            raise ValueError(f"block: expected 0 to {MAX_SAMPLES}, got {block}")
        self.block = block
        self.all = []

    def __len__(self):
        return len(self.all)

    @classmethod
    def __class_getitem__(cls, kind):
        return GenericAlias(cls, kind)

    @property
    def has_block(self):
        """Whether the next block can be mixed: no input lacks its part, and something is there."""
        return self.num_lacking == 0 and self.num_ready > 0

    @property
    def is_kept_waiting(self):
        """Whether some input has its part of the next block, and others lack theirs."""
        return self.num_lacking > 0 and self.num_ready > 0

    @property
    def has_piece(self):
        """Whether something of the next block is there, and some input lacks its part."""
        return self.num_lacking > 0 and self.num_holding > 0

    def add(self, MixInput source not None):
        """Adds an input, which must be in no other MixInputs."""
        if source._inputs is not None:
            raise ValueError("source: is in a MixInputs already")
        self.all.append(source)
        source._index = len(self.all) - 1
        source._inputs = self
        source._count()

    def remove(self, MixInput source not None):
        """Takes an input out; returns False if it is not here."""
        cdef MixInput last
        if source._inputs is not self:
            return False
        last = <MixInput>self.all.pop()
        if last is not source:  # the last one takes its place, so that this costs the same among thousands
            self.all[source._index] = last
            last._index = source._index
        self._move(source._counted_as, 0)
        source._counted_as = 0
        source._inputs = None
        return True

    def starved(self):
        """The inputs that are paused, and without their part."""
        return [source for source in self.all if (<MixInput>source)._counted_as & STARVED]

    def reached(self):
        """Samples per channel that every expected input has of its part of the block; all of it if there is none."""
        cdef Py_ssize_t least = self.block
        cdef MixInput source
        if self.num_lacking == 0:
            return least
        for item in self.all:
            source = <MixInput>item
            if source._counted_as & LACKING:
                least = min(least, source._size // source.num_channels)
                if least == 0:
                    break
        return least

    cdef void _move(self, int was, int is_now) noexcept:
        self.num_expected += ((is_now & EXPECTED) != 0) - ((was & EXPECTED) != 0)
        self.num_lacking += ((is_now & LACKING) != 0) - ((was & LACKING) != 0)
        self.num_ready += ((is_now & READY) != 0) - ((was & READY) != 0)
        self.num_holding += ((is_now & HOLDING) != 0) - ((was & HOLDING) != 0)
        self.num_starved += ((is_now & STARVED) != 0) - ((was & STARVED) != 0)
        self.num_running += ((is_now & RUNNING) != 0) - ((was & RUNNING) != 0)
