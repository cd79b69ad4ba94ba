"""SpeakerFeed: the application's end of the ring before a speaker."""

from __future__ import annotations

from livekit_utils.conversion.frame_converter import FrameConverter, map_channels
from livekit_utils.devices.backend.memory import (
    BLOCK,
    CLEAR_FADE,
    CLEAR_TO,
    EARLIEST_NS,
    LATEST_NS,
    PAUSED,
    SHORT_SAMPLES,
    TAKEN,
    WAKE_BELOW,
)
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.devices.playout_depth import PlayoutDepth
from livekit_utils.frames.audio_frame import AudioFrame


class SpeakerFeed:
    """Writes blocks of the mix into the ring before one open device, in the device's format.

    All counts are samples per channel at the rate of the mix.

    Args:
        link: The open device.
        sample_rate, num_channels: Of the mix.
    """

    def __init__(self, link: DeviceLink, sample_rate: int, num_channels: int) -> None:
        self._link = link
        self._memory, self._ring = link.memory, link.memory.ring
        self._device_rate, self._device_channels = link.info.sample_rate, link.info.num_channels
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._clear_to = 0
        self._wake_below = 0
        self._converter: FrameConverter | None = None  # to the device's format
        self.has_rest = False
        """Whether the converter holds back the end of what was written."""
        if (self._device_rate, self._device_channels) != (sample_rate, num_channels):
            # Mono goes to all channels, and all channels are averaged to mono. Otherwise channels keep their numbers.
            keeps_numbers = 1 not in (self._device_channels, num_channels)
            self._converter = FrameConverter(
                self._device_rate, num_channels if keeps_numbers else self._device_channels
            )
            self._begin()

    def _begin(self) -> None:
        """Begins with the converter. A resampler gives less at first: with silence before it, all sound comes out as it
        goes in."""
        assert self._converter is not None
        size = max(1, self._sample_rate // 100)
        silence = bytes(2 * self._num_channels * size)
        self._converter.push(AudioFrame(silence, self._sample_rate, self._num_channels, size))
        self.has_rest = False

    @property
    def fill(self) -> int:
        """Samples that are queued before the device and will be played."""
        num_values = self._ring.num_written - max(self._ring.num_read, self._clear_to)
        return max(0, num_values) // self._device_channels * self._sample_rate // self._device_rate

    @property
    def num_short(self) -> int:
        """Samples that the device wanted and the ring did not have, since the device was opened."""
        return self._memory.words[SHORT_SAMPLES] * self._sample_rate // self._device_rate

    @property
    def num_gaps(self) -> int:
        """How many times the device was given silence in the middle of sound."""
        return self._link.num_gaps

    @property
    def device(self) -> str:
        """The name of the device."""
        return self._link.info.name

    def show(self, depth: PlayoutDepth) -> None:
        """Tells `depth` when the device takes sound. Call it after `fill` was looked at, not before."""
        words = self._memory.words
        block = words[BLOCK]
        if block:
            ratio = self._sample_rate / self._device_rate
            depth.see_device(
                max(1, round(block * ratio)), words[TAKEN] * ratio, words[EARLIEST_NS] / 1e9, words[LATEST_NS] / 1e9
            )

    def write(self, block: bytearray) -> None:
        """Queues a block of the mix; what does not fit into the ring is left out."""
        if self._converter is None:
            self._ring.write(block)
            return
        size = len(block) // 2 // self._num_channels
        self._write_converted(self._converter.push(AudioFrame(block, self._sample_rate, self._num_channels, size)))
        self.has_rest = self._device_rate != self._sample_rate

    def write_rest(self) -> None:
        """Queues what the converter holds back, because nothing follows in time."""
        if self._converter is not None and self.has_rest:
            self._write_converted(self._converter.flush())
            self._begin()

    def _write_converted(self, frames: list[AudioFrame]) -> None:
        for converted in frames:
            if converted.num_channels == self._device_channels:
                self._ring.write(converted)
            else:
                same = range(min(converted.num_channels, self._device_channels))
                self._ring.write(map_channels(converted.data, converted.num_channels, same, self._device_channels))

    def wake_below(self, fill: int) -> bool:
        """Has the device wake the application after each block that leaves fewer samples than `fill`.

        Returns:
            Whether that is more than before. Then look at `fill` again: the device may have taken a block just before,
            without a wake.
        """
        if fill == self._wake_below:
            return False
        raised = fill > self._wake_below
        self._wake_below = fill
        self._memory.words[WAKE_BELOW] = -(-fill * self._device_rate // self._sample_rate)
        self._ring.sync()
        return raised

    def clear(self, fade_s: float) -> None:
        """Drops everything that is queued, after a fade of `fade_s` seconds."""
        self._memory.words[CLEAR_FADE] = round(fade_s * self._device_rate)
        self._ring.sync()
        self._clear_to = self._memory.words[CLEAR_TO] = self._ring.num_written
        if self._converter is not None:
            self._converter.reset()
            self._begin()

    def pause(self, paused: bool) -> None:
        """Has the device fade out and be given silence, or go on."""
        self._memory.words[PAUSED] = paused
