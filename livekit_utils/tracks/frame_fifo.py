"""FrameFifo: a queue of frames that are taken out in other lengths than they were put in."""

from __future__ import annotations

from collections import deque

from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames


class FrameFifo:
    """A queue of frames of one format, which are cut when they are taken.

    It shares memory with the frames that were pushed, and with those that it returns.
    """

    def __init__(self) -> None:
        self._frames: deque[tuple[AudioFrame, int]] = deque()  # with their `rise`
        self._taken = 0  # samples per channel of the first frame that were taken
        self.samples_per_channel = 0
        """Samples per channel in the queue."""
        self.rises: list[tuple[int, int]] = []
        """Of the frames that begin in what `pop` returned last: where they do, and their `rise`."""

    def push(self, frame: AudioFrame, rise: int = 0) -> None:
        """Appends a frame; an empty one is left out. `rise` is told when the frame begins; 0 is not."""
        if frame.samples_per_channel:
            self._frames.append((frame, rise))
            self.samples_per_channel += frame.samples_per_channel

    def pop(self, samples_per_channel: int) -> AudioFrame:
        """Takes the first samples, from 1; fewer than asked for if the queue has fewer."""
        pieces: list[AudioFrame] = []
        if self.rises:
            self.rises = []
        wanted = total = min(samples_per_channel, self.samples_per_channel)
        self.samples_per_channel -= wanted
        while True:
            piece = self._pop_piece(wanted, total - wanted)
            wanted -= piece.samples_per_channel
            if not wanted and not pieces:
                return piece
            pieces.append(piece)
            if not wanted:
                return combine_audio_frames(pieces)

    def withdraw(self, frame: AudioFrame) -> bool:
        """Removes a frame that was pushed; returns False if it is not there, or some of its samples were taken."""
        for i, (other, _) in enumerate(self._frames):
            if other is frame and (i or not self._taken):
                del self._frames[i]
                self.samples_per_channel -= frame.samples_per_channel
                return True
        return False

    def drain(self) -> list[AudioFrame]:
        """Takes all frames; the first may be the rest of a frame that was partly taken."""
        self.rises = []  # not the list that was given out
        frames = []
        while self._frames:
            frames.append(self._pop_piece(self.samples_per_channel, 0))
        self.samples_per_channel = 0
        self.rises = []
        return frames

    def _pop_piece(self, wanted: int, offset: int) -> AudioFrame:
        """Takes the next samples, at most those of one frame."""
        frame, rise = self._frames[0]
        if rise and not self._taken:
            self.rises.append((offset, rise))
        start, left = self._taken, frame.samples_per_channel - self._taken
        if left > wanted:
            self._taken += wanted
            return _part(frame, start, wanted)
        self._frames.popleft()
        self._taken = 0
        return _part(frame, start, left) if start else frame


def _part(frame: AudioFrame, start: int, samples_per_channel: int) -> AudioFrame:
    data = memoryview(frame)[start : start + samples_per_channel]
    return AudioFrame(data, frame.sample_rate, frame.num_channels, samples_per_channel, userdata=frame.userdata)
