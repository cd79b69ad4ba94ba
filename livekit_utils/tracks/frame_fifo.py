"""FrameFifo: frames of any length in, frames of another length out, and what is left as it came in."""

from __future__ import annotations

from collections import deque

from livekit_utils.frames.audio_frame import AudioFrame, combine_audio_frames


class FrameFifo:
    """A queue of frames of one format, cut anew when they are taken.

    It shares memory with the frames that it was given, and what it returns shares it too.
    """

    def __init__(self) -> None:
        self._frames: deque[AudioFrame] = deque()
        self._taken = 0  # samples of the first frame
        self.num_samples = 0
        """Samples per channel in the queue."""

    def push(self, frame: AudioFrame) -> None:
        if frame.samples_per_channel:
            self._frames.append(frame)
            self.num_samples += frame.samples_per_channel

    def pop(self, num_samples: int) -> AudioFrame:
        """The first samples, at most as many as there are, which must be one at least."""
        pieces: list[AudioFrame] = []
        wanted = min(num_samples, self.num_samples)
        self.num_samples -= wanted
        while True:
            piece = self._pop_piece(wanted)
            wanted -= piece.samples_per_channel
            if not wanted and not pieces:
                return piece
            pieces.append(piece)
            if not wanted:
                return combine_audio_frames(pieces)

    def withdraw(self, frame: AudioFrame) -> bool:
        """Takes out a frame that was pushed, if nothing of it was taken yet; says whether it was."""
        for i, other in enumerate(self._frames):
            if other is frame and (i or not self._taken):
                del self._frames[i]
                self.num_samples -= frame.samples_per_channel
                return True
        return False

    def drain(self) -> list[AudioFrame]:
        """Everything that is left, frame by frame; of one that was begun its rest."""
        frames = []
        while self._frames:
            frames.append(self._pop_piece(self.num_samples))
        self.num_samples = 0
        return frames

    def _pop_piece(self, wanted: int) -> AudioFrame:
        """The next samples, as many as one frame has of them."""
        frame = self._frames[0]
        start, left = self._taken, frame.samples_per_channel - self._taken
        if left > wanted:
            self._taken += wanted
            return _part(frame, start, wanted)
        self._frames.popleft()
        self._taken = 0
        return _part(frame, start, left) if start else frame


def _part(frame: AudioFrame, start: int, num_samples: int) -> AudioFrame:
    data = memoryview(frame)[start : start + num_samples]
    return AudioFrame(data, frame.sample_rate, frame.num_channels, num_samples, userdata=frame.userdata)
