"""CapturedAudio: takes the sound of an open microphone out of its ring, as frames of 10 ms."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils._runtime.trouble import Trouble
from livekit_utils.conversion.frame_converter import FrameConverter, map_channels
from livekit_utils.devices.backend.memory import STALE_SAMPLES
from livekit_utils.devices.device_stream import DeviceLink
from livekit_utils.frames.audio_frame import AudioFrame

logger = logging.getLogger("livekit_utils")


class CapturedAudio:
    """Drops what is too old, picks the channels, converts, and cuts; the rest of a block waits for the next block.

    Args:
        link: The open device.
        sample_rate, num_channels: Format of the frames.
        channel_index: The channel of the device that every channel of the frames gets; None for all channels. A device
            that has no such channel, because it came back with fewer, gives its first one.
        capacity_ms: Sound that may wait in the ring; when more does, the oldest is dropped.
        loss: Told when sound was dropped because it was not taken in time.
        stop: Told when sound was dropped because the device stood still, and gave it much too late.
    """

    def __init__(
        self,
        link: DeviceLink,
        sample_rate: int,
        num_channels: int,
        channel_index: int | None,
        capacity_ms: int,
        loss: Trouble,
        stop: Trouble,
    ) -> None:
        info = link.info
        self._name = info.name
        self._ring = link.memory.ring
        self._device_rate, self._device_channels = info.sample_rate, info.num_channels
        self._capacity = capacity_ms * info.sample_rate // 1000 * info.num_channels  # int16 values
        self._loss, self._stop = loss, stop
        self._words = link.memory.words
        self._num_stale = 0  # samples per channel
        self._num_overruns = 0
        self._num_skipped = 0  # int16 values that were dropped from the ring
        self._sample_rate, self._num_channels = sample_rate, num_channels
        self._samples_per_channel = max(1, sample_rate // 100)  # of a frame
        self._queue = SampleQueue(num_channels)
        self._picked: Sequence[int] | None = None  # channels of the device; None for all
        if channel_index is not None:
            if channel_index >= info.num_channels:
                logger.warning("microphone %r has no channel %d now; its first one is used", info.name, channel_index)
                channel_index = 0
            self._picked = [channel_index]
        elif num_channels < info.num_channels and info.num_channels > 2:
            # The first ones, without mixing: an array may have what the speaker plays in its last ones.
            self._picked = range(num_channels)
        picked = info.num_channels if self._picked is None else len(self._picked)
        self._converter: FrameConverter | None = None
        if (info.sample_rate, picked) != (sample_rate, num_channels):
            self._converter = FrameConverter(sample_rate, num_channels)

    def take(self) -> list[AudioFrame]:
        """Returns the frames that the device has completed since the last call, without what is too old."""
        self._skip()
        self._convert(self._ring.read(self._ring.readable // self._device_channels * self._device_channels))
        frames = []
        for _ in range(self._queue.samples_per_channel // self._samples_per_channel):
            samples = self._queue.pop(self._samples_per_channel)
            frames.append(AudioFrame(samples, self._sample_rate, self._num_channels, self._samples_per_channel))
        return frames

    @property
    def dropped_ms(self) -> float:
        """Sound of the device that was dropped: what the ring had no room for, what was not taken in time, and what the
        device gave much too late."""
        num_values = self._num_skipped + self._ring.overrun_samples
        return (num_values / self._device_channels + self._words[STALE_SAMPLES]) * 1000 / self._device_rate

    def close(self) -> float:
        """Drops the sound that was not taken, and returns the milliseconds of sound that were dropped in all."""
        self._num_skipped += self._ring.clear()
        return self.dropped_ms + self._queue.samples_per_channel * 1000 / self._sample_rate

    def _skip(self) -> None:
        """Drops what is too old. If the ring has overflowed, that is everything: it is older than what was lost. Then
        it may also end within a frame of all channels, and what comes next begins with the first channel."""
        if self._words[STALE_SAMPLES] != self._num_stale:
            self._num_stale = self._words[STALE_SAMPLES]
            self._stop.failed(self._name)
        elif self._stop.count:
            self._stop.good()
        readable = self._ring.readable
        if self._ring.overruns != self._num_overruns:
            self._num_overruns = self._ring.overruns
            self._num_skipped += self._ring.clear()
        elif readable > self._capacity:
            self._ring.commit_read(readable - self._capacity)
            self._num_skipped += readable - self._capacity
        else:
            if self._loss.count and readable:
                self._loss.good()
            return
        self._loss.failed(self._name)

    def _convert(self, samples: bytearray) -> None:
        num_channels = self._device_channels
        if self._picked is not None:
            num_channels = len(self._picked)
            samples = map_channels(samples, self._device_channels, self._picked, num_channels)
        if self._converter is None:
            self._queue.push(samples)
            return
        frame = AudioFrame(samples, self._device_rate, num_channels, len(samples) // 2 // num_channels)
        for converted in self._converter.push(frame):
            self._queue.push(converted)
