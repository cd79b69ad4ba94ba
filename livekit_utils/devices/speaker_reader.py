"""SpeakerReader: what one microphone still has to be told of what the speakers were given."""

from __future__ import annotations

from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils.frames.audio_frame import AudioFrame

# More than this waits only where a microphone did not move.
_MAX_WAITING_S = 0.5


class SpeakerReader:
    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._sample_rate = sample_rate
        self._num_channels = num_channels
        self._queue = SampleQueue(num_channels)

    def push(self, samples: bytearray) -> None:
        excess = self._queue.push(samples) - int(_MAX_WAITING_S * self._sample_rate)
        if excess > 0:
            self._queue.pop(excess)

    def read(self, num_parts: int) -> list[AudioFrame]:
        """All there is, in so many parts of about the same length, one for each block of the microphone: where many
        blocks have come at once, as they do after a break, what was played belongs between them."""
        num_frames = self._queue.num_frames
        parts = []
        for i in range(num_parts):
            size = num_frames * (i + 1) // num_parts - num_frames * i // num_parts
            parts.append(AudioFrame(self._queue.pop(size), self._sample_rate, self._num_channels, size))
        return parts

    def clear(self) -> None:
        """Forgets what was played while the microphone did not move."""
        self._queue.clear()
