"""PlayoutQueue is what a source has still to play, and when. Every frame goes through it, so it is compiled."""
cimport cython

from livekit_utils.frames.audio_frame cimport AudioFrame, copy_of
from livekit_utils.tracks.frame_fifo cimport FrameFifo
from livekit_utils.tracks.playout_clock cimport PlayoutClock

import time

# Tolerance in seconds when sums of durations are compared; a sample at 192 kHz is five times as long.
cdef double _ROUNDING_S = 1e-6

# Time in seconds by which a timer of asyncio may fire early.
cdef double _RESOLUTION_S = time.get_clock_info("monotonic").resolution


@cython.final
cdef class PlayoutQueue(FrameFifo):
    """The audio of a source that was not handed to its streams yet, and the clock by which it is.

    All times are those of one event loop, in seconds.

    - `clock`: counts what was handed out.
    - `running`: whether audio is being played, or the last of it is not over; the source says so.
    - `next_at`: when a task that captures in real time captures the next frame.

    Args:
        sample_rate: In Hz, from 1, of all audio.
        num_channels: Likewise.
        size_s: Seconds of audio that it has room for; 0 if nothing is to wait in it.
    """

    cdef readonly PlayoutClock clock
    cdef public bint running
    cdef public double next_at
    cdef double _size_s
    cdef Py_ssize_t _sample_rate, _num_channels

    def __cinit__(self, Py_ssize_t sample_rate, Py_ssize_t num_channels, double size_s):
        self.clock = PlayoutClock(sample_rate)
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._size_s = size_s

    @property
    def waiting_s(self):
        """Seconds of audio that were not handed out."""
        return self._waiting_s()

    def fits(self, AudioFrame frame not None):
        """Whether a frame is of the format of the queue."""
        return self._fits(frame)

    def overdue_s(self, double now):
        """Returns how long all of it has been over; below 0 while it is not."""
        return -self._left_s(now)

    def left_s(self, double now):
        """Returns how much of it is still to be heard. It falls with the clock, not when audio is handed out: a loop
        that is held up catches up."""
        return max(self._left_s(now), 0.0)

    def has_audio(self, double now):
        """Whether anything of it is still to be heard."""
        return self.samples_per_channel > 0 or (self.running and self.clock.seconds_left(now) > _RESOLUTION_S)

    def has_room(self, AudioFrame frame not None, double now):
        """Whether a frame may wait in it; any may where nothing else does."""
        return self._has_room(frame, now)

    def is_due(self, double now, double early_s):
        """Whether audio is to be handed out, or the last of it is over. Samples may be handed out a little early; the
        end of the last ones may not."""
        return self.clock.end <= now + (max(early_s, _RESOLUTION_S) if self.samples_per_channel else _RESOLUTION_S)

    def is_over(self, double now):
        """Whether the run is over, where nothing is left to be handed out."""
        return self.clock.is_over(now + _RESOLUTION_S)

    def follow(self, frame, double now):
        """Takes a copy of a frame if it is one of AudioFrame that only follows others in the queue, for which there is
        room; otherwise it returns False."""
        if not (self.running and self.samples_per_channel) or type(frame) is not AudioFrame:
            return False
        if not self._fits(<AudioFrame>frame) or not (<AudioFrame>frame).samples_per_channel:
            return False
        if self._left_s(now) < 0.0 or not self._has_room(<AudioFrame>frame, now):
            return False
        self.take(<AudioFrame>frame, 0, now)
        return True

    cpdef AudioFrame take(self, AudioFrame frame, Py_ssize_t rise, double now):
        """Takes a copy of a frame, in which the sound rises for so many samples; returns the copy."""
        cdef AudioFrame entry = copy_of(frame)
        self.push(entry, rise)
        self.next_at = now + frame.samples_per_channel / <double>frame.sample_rate
        return entry

    cdef bint _fits(self, AudioFrame frame) noexcept:
        return frame.sample_rate == self._sample_rate and frame.num_channels == self._num_channels

    cdef double _waiting_s(self) noexcept:
        return self.samples_per_channel / <double>self._sample_rate

    cdef double _left_s(self, double now) noexcept:
        return self._waiting_s() + (self.clock.seconds_left(now) if self.running else 0.0)

    cdef bint _has_room(self, AudioFrame frame, double now) noexcept:
        # Audio that is overdue takes up room until it is handed out.
        cdef double queued_s = max(self._left_s(now), self._waiting_s())
        cdef double duration = frame.samples_per_channel / <double>frame.sample_rate
        return queued_s + duration <= self._size_s + _ROUNDING_S or queued_s <= _ROUNDING_S
