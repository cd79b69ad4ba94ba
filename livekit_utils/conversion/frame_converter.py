"""FrameConverter brings frames of any format to one format."""

from __future__ import annotations

from collections.abc import Sequence

from livekit_utils._kernels.channels import downmix_s16, upmix_s16
from livekit_utils.conversion.audio_resampler import AudioResampler
from livekit_utils.conversion.engines import AudioResamplerQuality, engine_for
from livekit_utils.frames.audio_frame import AudioFrame


def map_channels(
    samples: bytes | bytearray | memoryview, num_channels: int, picked: Sequence[int], wanted: int
) -> bytearray:
    """Picks channels, and returns them as the first of `wanted` channels; the others are silent.

    Args:
        samples: Interleaved int16 samples of `num_channels` channels.
        picked: Numbers of the channels to take, in this order.
    """
    values = memoryview(samples).cast("B").cast("h")
    mapped = bytearray(len(values) // num_channels * wanted * 2)
    target = memoryview(mapped).cast("h")
    for position, channel in enumerate(picked):
        target[position::wanted] = values[channel::num_channels]
    return mapped


class FrameConverter:
    """Brings the frames of one stream to one sample rate and channel count.

    The format of the stream may change: the output that the old resampler still holds comes first. Mono is copied to
    all channels, and several channels are averaged to mono. Any other change of channels raises ValueError, and
    loses no earlier input. A frame without samples changes nothing.

    Args:
        channels: Numbers of the channels to take of each frame, in this order, before anything else; None takes all.
            A frame that lacks one of them raises ValueError.
        quality: Of the resampler.
    """

    def __init__(
        self,
        sample_rate: int,
        num_channels: int,
        channels: Sequence[int] | None = None,
        *,
        quality: AudioResamplerQuality | str = AudioResamplerQuality.MEDIUM,
    ) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._picked = channels
        self._quality = quality
        self._format = (sample_rate, num_channels, None if channels is None else tuple(channels), quality)
        # Of frames that pass as they are; with channels to pick there are none.
        self._output_format = (sample_rate, num_channels) if channels is None else None
        self._input_format = self._output_format
        self._resampler: AudioResampler | None = None

    def push(self, frame: AudioFrame) -> list[AudioFrame]:
        """Takes a frame, and returns the output that is ready."""
        if not frame.samples_per_channel:
            return []
        if self._resampler is None and (frame.sample_rate, frame.num_channels) == self._output_format:
            return [frame]
        frames: list[AudioFrame] = []
        if (frame.sample_rate, frame.num_channels) != self._input_format:
            frames = self.change_format(frame.sample_rate, frame.num_channels)
        if self._picked is not None:
            size, num_picked = frame.samples_per_channel, len(self._picked)
            samples = map_channels(frame.data, frame.num_channels, self._picked, num_picked)
            frame = AudioFrame(samples, frame.sample_rate, num_picked, size)
        if self._num_channels == 1 and frame.num_channels > 1:
            mono = downmix_s16(frame, frame.num_channels)
            frame = AudioFrame(mono, frame.sample_rate, 1, frame.samples_per_channel)
        if self._resampler is None:
            frames.append(self._spread(frame))
        else:
            frames += [self._spread(converted) for converted in self._resampler.push(frame)]
        return frames

    @property
    def holds_back(self) -> bool:
        """Whether output may be left that `flush` returns."""
        return self._resampler is not None and self._resampler._has_begun

    def flush(self) -> list[AudioFrame]:
        """Ends the stream, and returns the output that is left."""
        if self._resampler is None:
            return []
        return [self._spread(frame) for frame in self._resampler.flush()]

    def reset(self) -> None:
        """Ends the stream, and drops the output that is left."""
        if self._resampler is not None:
            self._resampler.reset()

    def change_format(self, sample_rate: int, num_channels: int) -> list[AudioFrame]:
        """Expects frames of another format from now on, and returns the output that is left of the one before.

        Raises:
            ValueError: Frames of that format cannot be converted.
        """
        input_format = (sample_rate, num_channels)
        if self._picked is not None:
            if max(self._picked) >= num_channels:
                raise ValueError(f"channels: expected numbers from 0 to {num_channels - 1}, got {list(self._picked)}")
            num_channels = len(self._picked)
        if num_channels != self._num_channels and 1 not in (num_channels, self._num_channels):
            raise ValueError(f"expected frames of 1 or {self._num_channels} channels, got {num_channels}")
        resampler = None
        if sample_rate != self._sample_rate:
            # The fewer channels the resampler converts, the less it costs.
            resampler = AudioResampler(
                sample_rate,
                self._sample_rate,
                num_channels=min(num_channels, self._num_channels),
                quality=self._quality,
                engine=engine_for(sample_rate, self._sample_rate),
            )
        held = self.flush()
        self._resampler = resampler
        self._input_format = input_format
        return held

    def goes_on_like(self, other: FrameConverter) -> bool:
        """Returns whether both give the same from now on, to the bit; False also where that is not known."""
        mine, others = self._resampler, other._resampler
        if self._format != other._format or self._input_format != other._input_format:
            return False
        return others is None if mine is None else others is not None and mine._goes_on_like(others)

    def _spread(self, frame: AudioFrame) -> AudioFrame:
        if frame.num_channels == self._num_channels:
            return frame
        samples = upmix_s16(frame, self._num_channels)
        return AudioFrame(samples, frame.sample_rate, self._num_channels, frame.samples_per_channel)
