"""TimedQueue does what a TimedInput has to do for each frame and each block, as long as all goes on as it was."""
cimport cython
from libc.math cimport exp2, llround

from livekit_utils.conversion.arrival_window cimport ArrivalWindow
from livekit_utils.frames.audio_frame cimport AudioFrame
from livekit_utils.mixing.mix_input cimport MixInput
from livekit_utils.mixing.pace cimport Pace

from livekit_utils.mixing import mix_input as _mix_input

cdef int NOTHING = _mix_input.NOTHING, REFUSED = _mix_input.REFUSED

# What a live stream may come late unnoticed, in seconds, before it has come late. What it may come later after that is
# forgotten by half in the time that follows.
cdef double LEAST_RESERVE_S = 0.005
cdef double HALF_LIFE_S = 20.0

# In seconds: a surplus of this much is left out at once, so that it does not become a lasting delay. The resampler
# takes the rest.
cdef double SLACK_S = 0.03


cdef class TimedQueue(MixInput):
    """The queue of a stream of a mixer that keeps time. The TimedInput sets:

    - `clock`, of the mixer; `time`, of the event loop.
    - `pace`: finds out whether the stream is live. None if that is known.
    - `live`: whether it is.
    - `window`: of a DriftFollower that copies frames. None if frames have to be converted.
    - `playing`: whether the stream has a part in every block.
    - `is_calm`: whether it has not been late for long.
    - `block`, `fade`: samples per channel.

    And it has:

    - `first_at`: when the first sample came that is not played yet, below 0 if there is none.
    - `kept`: samples per channel of a surplus that it had when it was found to be live, and keeps until it begins
      again: to be rid of it, it would have to be resampled.
    - `waited_s`, `asked_at`: the next frame was waited for so long, and is waited for again since then.
    """

    cdef public object clock, time
    cdef public Pace pace
    cdef public ArrivalWindow window
    cdef public bint live, playing, is_calm
    cdef public Py_ssize_t block, fade
    cdef public double first_at, waited_s, asked_at
    cdef Py_ssize_t _frame  # samples per channel of the last frame
    cdef public Py_ssize_t kept
    cdef double _reserve_s, _reserve_at

    def __cinit__(self, *args, **kwargs):
        self.first_at = -1.0
        self.is_calm = True
        self._reserve_s = LEAST_RESERVE_S

    cdef int _take(self, item) except -1:
        """Appends a frame that is copied, of a stream that goes on. All others are for the TimedInput."""
        cdef AudioFrame frame
        cdef double now
        if self.window is None or self._draining or not (self.playing or self._size):
            return REFUSED
        frame = self._fitting(item)
        if frame is None or frame.samples_per_channel == 0:
            return REFUSED
        now = self.time()
        if self.window.is_over(now):
            return REFUSED
        self._arrive(now, frame)
        self._append(frame)
        if self.live:
            self.window.see(now, self._fill_s(now))
        return NOTHING

    @cython.final
    cdef int _arrive(self, double now, AudioFrame frame) except -1:
        cdef double seconds = frame.samples_per_channel / <double>frame.sample_rate
        cdef bint was_live = self.live
        self._frame = -(-frame.samples_per_channel * self.sample_rate // frame.sample_rate)
        if self.pace is not None:
            self.live = self.pace.see(self.waited_s + now - self.asked_at, seconds)
            if self.live and not was_live and self.playing:
                seconds += self._fill_s(now)
                self.kept = max(0, <Py_ssize_t>llround(min(seconds * self.sample_rate - self._target(now),
                                                           SLACK_S * self.sample_rate)))
        self.waited_s = 0.0
        self.asked_at = now
        self.read_ahead = self._target(now)
        if self.first_at < 0.0:
            self.first_at = now
        return 0

    @cython.final
    cdef double _fill_s(self, double now) except *:
        cdef double next_due = self.clock.next_due
        # The times are large, and their difference is exact.
        return self._size // self.num_channels / <double>self.sample_rate + (next_due - now)

    @cython.final
    cdef double _reserve(self, double now) noexcept:
        if self._reserve_s == LEAST_RESERVE_S:
            return LEAST_RESERVE_S
        return LEAST_RESERVE_S + (self._reserve_s - LEAST_RESERVE_S) * exp2((self._reserve_at - now) / HALF_LIFE_S)

    @cython.final
    cdef Py_ssize_t _target(self, double now) noexcept:
        cdef Py_ssize_t reserve = <Py_ssize_t>llround(self._reserve(now) * self.sample_rate)
        return self.block + self.fade + self._frame + self.kept + reserve

    @cython.final
    cdef Py_ssize_t _surplus(self, double now, double overdue_s) noexcept:
        cdef Py_ssize_t surplus = self._size // self.num_channels - self._target(now)
        if overdue_s > 0.0:
            surplus -= <Py_ssize_t>llround(overdue_s * self.sample_rate)
        return surplus if surplus > SLACK_S * self.sample_rate else 0

    @cython.final
    cdef bint _goes_on(self, double now) noexcept:
        """Whether it has its part of the next block as of the last, and nothing is to be done about it."""
        cdef Py_ssize_t fill = self._size // self.num_channels
        if not self.playing or not self.is_calm or self._left >= 0 or self._draining:
            return False
        return fill >= self.block + self.fade and self._surplus(now, 0.0) == 0 if self.live else fill >= self.block

    # For the TimedInput; compiled code calls the functions behind them.

    def arrive(self, double now, AudioFrame frame not None):
        """Notes that a frame came. So the queue may hold its target, before it is full."""
        self._arrive(now, frame)

    def fill_s(self, double now):
        """What it holds, and what is left of the block that is being played, in seconds."""
        return self._fill_s(now)

    def reserve(self, double now):
        """What the stream may come late unnoticed, in seconds."""
        return self._reserve(now)

    def set_reserve(self, double seconds, double now):
        """Sets what the stream may come late now; it is slowly forgotten."""
        self._reserve_s, self._reserve_at = seconds, now

    def target(self, double now):
        """Samples per channel that are to be there, with those of the block that is being played, after a frame."""
        return self._target(now)

    def surplus(self, double now, double overdue_s):
        """Samples per channel of a live stream that are to be left out. Blocks that are made up for at once, after the
        event loop was held up, take their part of what is there."""
        return self._surplus(now, overdue_s)


def begin_block(list sources, double now):
    """Gets TimedInputs ready for the next block; returns those that the mix has anything to do with."""
    cdef TimedQueue source
    cdef list parts = []
    for item in sources:
        source = <TimedQueue?>item
        if source._goes_on(now):
            source.skips = False
            parts.append(source)
        elif item.has_part(now):
            parts.append(source)
    return parts


def end_block(list sources):
    """Returns the TimedInputs, of those that a block was mixed of, that are not simply played on."""
    cdef TimedQueue source
    cdef list rest = []
    for item in sources:
        source = <TimedQueue?>item
        if not source.playing or source._draining or source._paused:
            rest.append(source)
    return rest
