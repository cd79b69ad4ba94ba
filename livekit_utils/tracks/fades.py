"""Fades: where the audio of a source rises from silence, and falls to it."""

from __future__ import annotations

from livekit_utils._kernels.gain_queue import Ramp
from livekit_utils.frames.audio_frame import AudioFrame


class Fades:
    """Shapes audio of one format, piece by piece, in straight lines.

    Args:
        num_channels: 1 to 128.
    """

    def __init__(self, num_channels: int) -> None:
        self._rise = Ramp(num_channels)
        self._fall = Ramp(num_channels)
        self.are_over = True
        """Whether audio in which no sound rises stays as it is."""

    @property
    def falling(self) -> int:
        """Samples per channel until all is silent; 0 if it does not fall."""
        return self._fall.samples_left

    def apply(self, frame: AudioFrame, rises: list[tuple[int, int]]) -> AudioFrame:
        """Returns the next audio, shaped.

        Args:
            rises: Where in the frame the sound begins anew, from silence, and the samples that each rise takes.
        """
        if rises or self._rise.samples_left:
            frame = self._over(frame, self._risen(frame, rises))
        if self._fall.samples_left:
            frame = self._over(frame, self._fall.apply(frame))
        self.are_over = not (self._rise.samples_left or self._fall.samples_left)
        return frame

    def fall(self, samples_per_channel: int) -> None:
        """Lets the next audio fall to silence, from where an earlier fall has come to, which this one replaces."""
        if not self._fall.samples_left:
            self._fall.start(1.0, 0)
        self._fall.start(0.0, samples_per_channel)
        self.are_over = False

    def end(self) -> None:
        """Leaves the next audio as it is."""
        self._fall.start(1.0, 0)
        self._rise.start(1.0, 0)
        self.are_over = True

    def _risen(self, frame: AudioFrame, rises: list[tuple[int, int]]) -> bytearray:
        samples, begin = bytearray(), 0
        for offset, length in [*rises, (frame.samples_per_channel, 0)]:
            if offset > begin:
                samples += self._rise.apply(frame[begin:offset])
            if length:
                self._rise.start(0.0, 0)
                self._rise.start(1.0, length)
            begin = offset
        return samples

    def _over(self, frame: AudioFrame, samples: bytearray) -> AudioFrame:
        return AudioFrame(
            samples, frame.sample_rate, frame.num_channels, frame.samples_per_channel, userdata=frame.userdata
        )
