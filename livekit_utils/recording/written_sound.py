"""WrittenSound: puts frames on the timeline whose place the caller knows."""

from __future__ import annotations

from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.recording.timeline import Timeline

# A frame follows the one before it without a gap if it is to lie this close behind it, in seconds.
_SAME_S = 1e-3


class _Run:
    """Frames that follow each other."""

    def __init__(self, converter: FrameConverter, position: int) -> None:
        self.converter = converter
        self.position = position  # of the next sample in the recording
        self.end_s = 0.0


class WrittenSound:
    """Joins frames that follow each other, so that a conversion does not begin with each of them.

    Args:
        timeline: Where they lie.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._runs: dict[tuple[int | None, float, int, int], _Run] = {}

    def write(self, frame: AudioFrame, at_s: float, channel: int | None, gain: float) -> None:
        """Adds a frame, which it copies.

        Raises:
            ValueError: The frame cannot be converted.
        """
        key = (channel, gain, frame.sample_rate, frame.num_channels)
        run = self._runs.get(key)
        if run is None or abs(at_s - run.end_s) > _SAME_S:
            fresh = _Run(self._timeline.format.converter(channel), round(at_s * self._timeline.format.sample_rate))
            fresh.converter.change_format(frame.sample_rate, frame.num_channels)  # refuses what it cannot convert
            if run is not None:
                self._put(run, run.converter.flush(), channel, gain)
            self._runs[key] = run = fresh
            run.end_s = at_s
        run.end_s += frame.samples_per_channel / frame.sample_rate
        self._put(run, run.converter.push(frame), channel, gain)

    def settle(self, end: int) -> None:
        """Ends the runs that nothing has continued before the timeline reaches their end."""
        for key, run in list(self._runs.items()):
            if run.position <= end:
                self._put(run, run.converter.flush(), key[0], key[1])
                del self._runs[key]

    def _put(self, run: _Run, frames: list[AudioFrame], channel: int | None, gain: float) -> None:
        for frame in frames:
            self._timeline.add_clip(run.position, frame, channel, gain)
            run.position += frame.samples_per_channel
