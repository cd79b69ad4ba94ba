"""FrameCutter cuts frames of any length into frames of one length."""

from __future__ import annotations

from livekit_utils.frames.audio_frame import AudioFrame


class FrameCutter:
    """Joins and cuts frames of one format.

    Args:
        sample_rate: Hz.
        num_channels: Channels of all frames.
        samples_per_channel: The length of the frames that come out.
    """

    def __init__(self, sample_rate: int, num_channels: int, samples_per_channel: int) -> None:
        self.format = (sample_rate, num_channels)
        self._samples_per_channel = samples_per_channel
        self._held = bytearray()

    def push(self, frame: AudioFrame) -> list[AudioFrame]:
        """Takes a frame, and returns those that are whole now."""
        samples_per_channel = self._samples_per_channel
        if not self._held and frame.samples_per_channel == samples_per_channel:
            return [frame]
        self._held += frame.data.cast("B")
        size = samples_per_channel * self.format[1] * 2
        num_whole = len(self._held) // size
        frames = [
            AudioFrame(self._held[index * size : (index + 1) * size], *self.format, samples_per_channel)
            for index in range(num_whole)
        ]
        del self._held[: num_whole * size]
        return frames

    def flush(self) -> list[AudioFrame]:
        """Returns what is left, as a shorter frame."""
        held, self._held = self._held, bytearray()
        return [AudioFrame(held, *self.format, len(held) // (2 * self.format[1]))] if held else []
