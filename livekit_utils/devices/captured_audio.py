"""CapturedAudio: the blocks of a microphone, of whatever size and format, as frames of 10 ms."""

from __future__ import annotations

from collections.abc import Sequence

from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils.conversion.frame_converter import FrameConverter, map_channels
from livekit_utils.devices.backend.request import OpenedDevice
from livekit_utils.frames.audio_frame import AudioFrame


class CapturedAudio:
    """Picks the channels, converts, and cuts; what is left of a block waits for the next one.

    Args:
        info: What the samples that come are like.
        sample_rate, num_channels: Of the frames.
        channel_index: The one channel to take, for all channels of the frames; None for all.
    """

    def __init__(self, info: OpenedDevice, sample_rate: int, num_channels: int, channel_index: int | None) -> None:
        self._info = info
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._channel_index = channel_index
        self._converter = FrameConverter(sample_rate, num_channels)
        self._queue = SampleQueue(num_channels)
        self._frame_size = max(1, sample_rate // 100)

    def push(self, samples: bytearray) -> list[AudioFrame]:
        """Whole blocks of the device in, whole frames out."""
        for frame in self._converter.push(self._pick(samples)):
            self._queue.push(frame)
        frames = []
        for _ in range(self._queue.num_frames // self._frame_size):
            piece = self._queue.pop(self._frame_size)
            frames.append(AudioFrame(piece, self._sample_rate, self._num_channels, self._frame_size))
        return frames

    def _pick(self, samples: bytearray) -> AudioFrame:
        rate, there = self._info.sample_rate, self._info.num_channels
        num_frames = len(samples) // 2 // there
        picked: Sequence[int] = range(there)
        if self._channel_index is not None:
            picked = [self._channel_index]
        elif 1 < self._num_channels < there:
            picked = range(self._num_channels)  # of more than is wanted, the first ones, as they are
        if len(picked) == there:
            return AudioFrame(samples, rate, there, num_frames)
        chosen = map_channels(samples, there, picked, len(picked))
        return AudioFrame(chosen, rate, len(picked), num_frames)
