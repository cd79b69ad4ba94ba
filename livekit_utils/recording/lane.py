"""Lane: the sound of one stream that lies on the timeline, in the recording's format."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils._kernels.gain_queue import GainQueue
from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.recording.stretch import stretched

# Shorter frames are not stretched: it takes some samples to hide one.
_LEAST_STRETCHED = 32


@dataclass(frozen=True, slots=True)
class LaneFormat:
    """The format of a recording."""

    sample_rate: int
    num_channels: int

    def converter(self, channel: int | None) -> FrameConverter:
        """Returns what brings frames to it; to mono, for one channel."""
        return FrameConverter(self.sample_rate, self.num_channels if channel is None else 1)

    def check(self, channel: int | None, gain: float) -> float:
        """Checks the arguments of that name of a `Recorder`, and returns the gain."""
        if channel is not None:
            check_int("channel", channel, 0, self.num_channels - 1)
        number = check_number("gain", gain)
        if not -128 < number < 128:
            raise ValueError(f"gain: expected a number above -128 and below 128 (+42 dB), got {number:g}")
        return number


class Lane:
    """Holds what one stream has on the timeline.

    Args:
        format: Of the recording.
        channel: The channel that the stream gets; None for all.
        gain: A factor, above -128 and below 128.
    """

    def __init__(self, format: LaneFormat, channel: int | None, gain: float) -> None:
        self._format, self._channel = format, channel
        self._converter = format.converter(channel)
        self.queue = GainQueue(format.num_channels, gain)
        """The sound from the timeline's position on."""
        self.position = 0
        """The sample of the recording that the next one becomes. The converter may hold some back before it."""
        self.is_over = False
        """Whether nothing more is put into it."""

    def put(self, frame: AudioFrame, slip: int = 0) -> int:
        """Appends a frame of any format, which it copies.

        Args:
            frame: The frame.
            slip: Samples by which to make it longer: -1, 0 or 1.

        Returns:
            The samples by which it was made longer; 0 where it is too short for that.

        Raises:
            ValueError: It cannot be converted.
        """
        slipped = 0
        for converted in self._converter.push(frame):
            if slip and converted.samples_per_channel >= _LEAST_STRETCHED:
                converted = stretched(converted, slip)
                slipped, slip = slip, 0
            self._append(converted)
        return slipped

    def move_to(self, position: int) -> None:
        """Ends a run, and leaves a gap up to this sample of the recording."""
        self.flush()
        if position > self.position:
            self.queue.push_silence(position - self.position)
            self.position = position

    def flush(self) -> None:
        """Appends what the converter holds back, at the end of a run."""
        for converted in self._converter.flush():
            self._append(converted)

    def _append(self, frame: AudioFrame) -> None:
        self.queue.push(spread(frame, self._channel, self._format.num_channels))
        self.position += frame.samples_per_channel


def spread(frame: AudioFrame, channel: int | None, num_channels: int) -> AudioFrame | memoryview:
    """Returns the samples in all channels: as they are, or a mono frame in one channel and silence in the others."""
    if channel is None or num_channels == 1:
        return frame
    samples = bytearray(2 * num_channels * frame.samples_per_channel)
    values = memoryview(samples).cast("h")
    values[channel::num_channels] = memoryview(frame.data).cast("B").cast("h")
    return values
