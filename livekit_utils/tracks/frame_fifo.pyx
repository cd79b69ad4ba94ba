"""FrameFifo is a queue of frames that are taken out in other lengths than they were put in. Every frame of a source
goes through one, so it is compiled.
"""
from livekit_utils.frames.audio_frame cimport AudioFrame

from collections import deque

from livekit_utils.frames.audio_frame import combine_audio_frames


cdef class FrameFifo:
    """A queue of frames of one format, which are cut when they are taken.

    It shares memory with the frames that were pushed, and with those that it returns.

    - `samples_per_channel`: how many are in the queue.
    - `rises`: of the frames that begin in what `pop` returned last: where they do, and their `rise`.
    """

    def __cinit__(self, *args, **kwargs):
        self._frames = deque()
        self.rises = []

    cpdef push(self, AudioFrame frame, Py_ssize_t rise=0):
        """Appends a frame; an empty one is left out. `rise` is told when the frame begins; 0 is not."""
        if frame.samples_per_channel:
            self._frames.append((frame, rise))
            self.samples_per_channel += frame.samples_per_channel

    def pop(self, Py_ssize_t samples_per_channel):
        """Takes the first samples, from 1; fewer than asked for if the queue has fewer."""
        cdef Py_ssize_t total = min(samples_per_channel, self.samples_per_channel), wanted = total
        cdef AudioFrame piece
        cdef list pieces = []
        if total < 1:
            raise ValueError(f"samples_per_channel: expected 1 or more of {self.samples_per_channel}, "
                             f"got {samples_per_channel}")
        if self.rises:
            self.rises = []
        self.samples_per_channel -= total
        while True:
            piece = self._pop_piece(wanted, total - wanted)
            wanted -= piece.samples_per_channel
            if not wanted and not pieces:
                return piece
            pieces.append(piece)
            if not wanted:
                return combine_audio_frames(pieces)

    def withdraw(self, AudioFrame frame not None):
        """Removes a frame that was pushed; returns False if it is not there, or some of its samples were taken."""
        for i, (other, _) in enumerate(self._frames):
            if other is frame and (i or not self._taken):
                del self._frames[i]
                self.samples_per_channel -= frame.samples_per_channel
                return True
        return False

    def drain(self, Py_ssize_t behind=0):
        """Takes all frames behind the first samples; the first may be the rest of a frame that was partly taken."""
        cdef AudioFrame kept = self.pop(behind) if behind > 0 and self.samples_per_channel else None
        cdef Py_ssize_t begin = 0, rise = 0
        rises, self.rises = self.rises, []  # not the list that was given out
        frames = []
        while self._frames:
            frames.append(self._pop_piece(self.samples_per_channel, 0))
        self.samples_per_channel = 0
        self.rises = []
        if kept is not None:
            for offset, next_rise in [*rises, (kept.samples_per_channel, 0)]:
                self.push(kept[begin:offset], rise)
                begin, rise = offset, next_rise
        return frames

    cdef AudioFrame _pop_piece(self, Py_ssize_t wanted, Py_ssize_t offset):
        """Takes the next samples, at most those of one frame."""
        cdef AudioFrame frame
        cdef Py_ssize_t start = self._taken, left, rise
        frame, rise = self._frames[0]
        if rise and not start:
            self.rises.append((offset, rise))
        left = frame.samples_per_channel - start
        if left > wanted:
            self._taken += wanted
            return part(frame, start, wanted)
        self._frames.popleft()
        self._taken = 0
        return part(frame, start, left) if start else frame


cdef AudioFrame part(AudioFrame frame, Py_ssize_t start, Py_ssize_t samples_per_channel):
    data = memoryview(frame)[start:start + samples_per_channel]
    return AudioFrame(data, frame.sample_rate, frame.num_channels, samples_per_channel, userdata=frame.userdata)
