"""mixed_frames adds streams up that never have to be waited for, such as files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Input:
    """One of the streams, and what was read of it and not mixed."""

    def __init__(self, frames: Iterable[AudioFrame], gain: float, sample_rate: int, num_channels: int) -> None:
        self.queue = GainQueue(num_channels, gain)
        self._frames = iter(frames)
        self._converter = FrameConverter(sample_rate, num_channels)
        self._has_ended = False

    def read(self, samples_per_channel: int) -> bool:
        """Reads until it has so many samples per channel, or has ended. Returns whether it has any."""
        queue = self.queue
        while queue.samples_per_channel < samples_per_channel and not self._has_ended:
            frame = next(self._frames, None)
            self._has_ended = frame is None
            for converted in self._converter.flush() if frame is None else self._converter.push(frame):
                queue.push(converted)
        return queue.samples_per_channel > 0


def mixed_frames(
    inputs: Sequence[tuple[Iterable[AudioFrame], float]], sample_rate: int, num_channels: int
) -> Iterator[AudioFrame]:
    """Yields the mix of streams that begin together, as an `AudioMixer` gives it, without an event loop.

    Args:
        inputs: The frames and the gain of each stream. Frames may have any rate and 1 or `num_channels` channels, or
            any number of them for a mix of 1. They are read one block ahead at most, and whatever reading them raises
            is raised.
        sample_rate: Hz, of the mix.
        num_channels: Of the mix.

    Yields:
        Frames of 100 ms. The last one ends in silence.
    """
    block = sample_rate // 10
    streams = [_Input(frames, gain, sample_rate, num_channels) for frames, gain in inputs]
    while streams := [stream for stream in streams if stream.read(block)]:
        samples = mix([stream.queue for stream in streams], block, num_channels)
        yield AudioFrame(samples, sample_rate, num_channels, block)
