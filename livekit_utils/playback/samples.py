"""SampleConverter brings sound that PyAV has decoded to int16 of one format."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from livekit_utils.conversion.frame_converter import FrameConverter, map_channels
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.av_sounds import int16_of

Samples = npt.NDArray[np.int16]


def as_int16(frame: Any) -> Samples:
    """Returns the samples of a frame of PyAV, (samples, channels). Floats are rounded and saturated; NaN is 0."""
    data, num_channels, _ = int16_of(frame)
    return np.frombuffer(data, np.int16).reshape(-1, num_channels)


class SampleConverter:
    """Brings frames of PyAV to one sample rate and channel count, where the format of a stream changes.

    Sound of the format itself is not changed: its samples come out as they went in.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._converter: FrameConverter | None = None

    def push(self, frame: Any, num_samples: int) -> Samples:
        """Returns the first samples of a frame, converted.

        Args:
            num_samples: Samples per channel that are sound, not padding.
        """
        samples = as_int16(frame)[:num_samples]
        rate, channels = frame.sample_rate, samples.shape[1]
        if self._converter is None:
            if (rate, channels) == (self._sample_rate, self._num_channels):
                return samples
            self._converter = FrameConverter(self._sample_rate, self._num_channels)
        data = samples.tobytes()
        if channels != self._num_channels and 1 not in (channels, self._num_channels):
            data = bytes(map_channels(data, channels, range(min(channels, self._num_channels)), self._num_channels))
            channels = self._num_channels
        return self._joined(self._converter.push(AudioFrame(data, rate, channels, len(samples))))

    def flush(self) -> Samples:
        """Ends the sound, and returns what is left."""
        converter, self._converter = self._converter, None
        return self._joined([] if converter is None else converter.flush())

    def _joined(self, frames: list[AudioFrame]) -> Samples:
        data = b"".join(bytes(frame.data) for frame in frames)
        return np.frombuffer(data, np.int16).reshape(-1, self._num_channels)
