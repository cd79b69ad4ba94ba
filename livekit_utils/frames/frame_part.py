"""Cuts off what a sound has before and after a part."""

from __future__ import annotations

from livekit_utils.frames.audio_frame import AudioFrame


def cut(frame: AudioFrame, start: int, end: int) -> AudioFrame:
    """Returns the samples of a frame from `start` to before `end`, as far as it has them: the frame itself if these are
    all. It lends the memory of the frame."""
    start, end = max(0, start), min(end, frame.samples_per_channel)
    if (start, end) == (0, frame.samples_per_channel):
        return frame
    num_channels, length = frame.num_channels, max(0, end - start)
    samples = frame.data[start * num_channels : (start + length) * num_channels]
    return AudioFrame(samples, frame.sample_rate, num_channels, length)


class FramePart:
    """Cuts a part out of the frames of a sound, which are given in order.

    Args:
        start: The first sample per channel of the part.
        end: The sample after its last.
    """

    def __init__(self, start: int, end: int) -> None:
        self._start, self._end = start, end
        self._position = 0

    def take(self, frame: AudioFrame) -> AudioFrame:
        """Returns what of the next frame lies in the part, which may be none of its samples."""
        before, self._position = self._position, self._position + frame.samples_per_channel
        return cut(frame, self._start - before, self._end - before)
