"""SpeakerFeed: the application's end of the ring before a speaker."""

from __future__ import annotations

from livekit_utils.conversion.frame_converter import FrameConverter, map_channels
from livekit_utils.devices.backend.memory import CLEAR_FADE, CLEAR_TO, PAUSED, WAKE_BELOW
from livekit_utils.devices.device_stream import DeviceStream
from livekit_utils.frames.audio_frame import AudioFrame


class SpeakerFeed:
    """Counts in frames of the mix, whatever the device's format is, and keeps a pause over the loss of a device.

    Args:
        stream: The speaker.
        sample_rate, num_channels: Of the mix.
    """

    def __init__(self, stream: DeviceStream, sample_rate: int, num_channels: int) -> None:
        self._stream = stream
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._converter: FrameConverter | None = None  # to the device's format
        self._clear_to = 0
        self._wake_below = 0
        self._paused = False

    def begin(self) -> None:
        """The device was opened, perhaps anew."""
        info = self._stream.info
        assert info is not None
        self._clear_to = 0
        self._wake_below = 0
        self._converter = None
        if (info.sample_rate, info.num_channels) != (self._sample_rate, self._num_channels):
            # Mono goes to all channels, and to mono goes the mean; else a channel goes to its namesake.
            alike = 1 not in (info.num_channels, self._num_channels)
            self._converter = FrameConverter(info.sample_rate, self._num_channels if alike else info.num_channels)
        self.paused = self._paused

    @property
    def ready(self) -> bool:
        """Whether there is a device."""
        return self._stream.memory is not None

    @property
    def level(self) -> int:
        """Frames that are queued, and will be heard."""
        memory, info = self._stream.memory, self._stream.info
        if memory is None or info is None:
            return 0
        ring = memory.ring
        num_frames = (ring.num_written - max(ring.num_read, self._clear_to)) // info.num_channels
        return max(0, num_frames) * self._sample_rate // info.sample_rate

    @property
    def gap_ms(self) -> float:
        """Silence that the device got in the middle of sound."""
        info = self._stream.info
        return 0.0 if info is None else self._stream.gap_frames * 1000 / info.sample_rate

    def write(self, block: bytearray) -> None:
        memory, info = self._stream.memory, self._stream.info
        assert memory is not None
        assert info is not None
        if self._converter is None:
            memory.ring.write(block)
            return
        num_frames = len(block) // 2 // self._num_channels
        for converted in self._converter.push(AudioFrame(block, self._sample_rate, self._num_channels, num_frames)):
            if converted.num_channels == info.num_channels:
                memory.ring.write(converted)
            else:
                same = range(min(converted.num_channels, info.num_channels))
                memory.ring.write(map_channels(converted.data, converted.num_channels, same, info.num_channels))

    def wake_below(self, level: int) -> bool:
        """Has the device wake the application after each block that leaves fewer frames than that. Returns whether that
        is more than before: then a block may have been taken just now without a word of it."""
        memory, info = self._stream.memory, self._stream.info
        if level == self._wake_below or memory is None or info is None:
            return False
        raised = level > self._wake_below
        self._wake_below = level
        memory.words[WAKE_BELOW] = -(-level * info.sample_rate // self._sample_rate)
        memory.ring.sync()
        return raised

    def clear(self, fade_s: float) -> None:
        """Drops what is queued, after a fade of so many seconds."""
        memory, info = self._stream.memory, self._stream.info
        if memory is not None and info is not None:
            memory.words[CLEAR_FADE] = round(fade_s * info.sample_rate)
            memory.ring.sync()
            self._clear_to = memory.words[CLEAR_TO] = memory.ring.num_written

    @property
    def paused(self) -> bool:
        return self._paused

    @paused.setter
    def paused(self, paused: bool) -> None:
        self._paused = paused
        if self._stream.memory is not None:
            self._stream.memory.words[PAUSED] = paused
