"""Timeline: the sound that lies on the clock and is not in the file yet."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from livekit_utils._kernels.gain_queue import GainQueue, mix
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.recording.lane import Lane, LaneFormat, spread

# Samples per channel that are mixed at once, which bounds memory where hours are rendered.
_PIECE = 48_000


class Timeline:
    """Mixes lanes and clips, and hands out what is settled.

    Args:
        format: Of the recording.
    """

    def __init__(self, format: LaneFormat) -> None:
        self.format = format
        self._lanes: list[Lane] = []
        self._clips: list[tuple[int, int, GainQueue]] = []  # a heap, by position
        self._playing: list[GainQueue] = []  # clips that have begun
        self._count = itertools.count()
        self.position = 0
        """The sample up to which everything was handed out."""

    @property
    def position_s(self) -> float:
        return self.position / self.format.sample_rate

    def open_lane(self, channel: int | None, gain: float) -> Lane:
        """Returns a new lane for one stream. It is there until `is_over` is set and its sound is handed out."""
        lane = Lane(self.format, channel, gain)
        lane.position = self.position
        self._lanes.append(lane)
        return lane

    def add_clip(self, position: int, frame: AudioFrame, channel: int | None, gain: float) -> None:
        """Adds sound of the recording's rate at its place, which was not handed out yet."""
        queue = GainQueue(self.format.num_channels, gain)
        queue.push(spread(frame, channel, self.format.num_channels))
        heapq.heappush(self._clips, (position, next(self._count), queue))

    def preview(self, end: int) -> bytearray:
        """Returns the mix up to this sample as it is by now, and changes nothing."""
        num_samples = end - self.position
        copies = [_copy(queue) for queue in (*(lane.queue for lane in self._lanes), *self._playing)]
        return mix([copy for copy in copies if copy is not None], num_samples, self.format.num_channels)

    def render(self, end: int) -> Iterator[bytearray | int]:
        """Yields the mix up to this sample, in pieces: samples, or the number of samples of silence."""
        while self.position < end:
            while self._clips and self._clips[0][0] <= self.position:
                self._playing.append(heapq.heappop(self._clips)[2])
            num_samples = (min(end, self._clips[0][0]) if self._clips else end) - self.position
            queues = [lane.queue for lane in self._lanes if lane.queue.samples_per_channel] + self._playing
            piece: bytearray | int = num_samples
            if queues:
                longest = max(queue.samples_per_channel for queue in queues)
                num_samples = min(num_samples, longest, _PIECE)
                piece = mix(queues, num_samples, self.format.num_channels)
            self.position += num_samples
            self._playing = [queue for queue in self._playing if queue.samples_per_channel]
            for lane in self._lanes:
                lane.position = max(lane.position, self.position)
            if any(lane.is_over for lane in self._lanes):
                self._lanes = [lane for lane in self._lanes if lane.queue.samples_per_channel or not lane.is_over]
            yield piece


def _copy(queue: GainQueue) -> GainQueue | None:
    """Returns a queue with the same samples and gain; None without samples."""
    if not queue.samples_per_channel:
        return None
    samples = queue.pop(queue.samples_per_channel)
    queue.push(samples)
    copy = GainQueue(queue.num_channels, queue.gain)
    copy.push(samples)
    return copy
