"""What an output is made of: one sound, or a mix. Both give the same frames each time, at any gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.samples import as_floats, as_frame
from livekit_utils.frames.frame_part import FramePart
from livekit_utils.signals.programme_gain import MEASURED_PEAK, split_gain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from livekit_utils.batch.job import Job
    from livekit_utils.batch.source import Source
    from livekit_utils.frames.audio_frame import AudioFrame
    from livekit_utils.signals.programme_gain import Programme


class OneSound:
    """A file, converted.

    Args:
        source: The file.
        job: What it is to become.

    Raises:
        SoundFileError: Nobody speaks in it, which is to be trimmed; or as `Source.blocks`.
        ValueError: The file cannot be converted to that.
        ImportError: pywebrtc-audio is not installed, which trimming needs.
    """

    max_gain = np.inf

    def __init__(self, source: Source, job: Job) -> None:
        self._source, self._quality = source, job.quality
        self.sample_rate = job.sample_rate or source.sample_rate
        self.num_channels = job.num_channels or source.num_channels
        self._converter()  # refuses what cannot be converted
        self._start, self._end = 0, None
        if job.trim:
            self._start, self._end = _speech(source)
        self._peak: float | None = None
        self.num_clipped = 0

    def _converter(self) -> FrameConverter:
        converter = FrameConverter(self.sample_rate, self.num_channels, quality=self._quality)
        if (self._source.sample_rate, self._source.num_channels) != (self.sample_rate, self.num_channels):
            converter.change_format(self._source.sample_rate, self._source.num_channels)
        return converter

    @property
    def safe_gain(self) -> float:
        return MEASURED_PEAK / self._find_peak() if 0 < self._find_peak() < np.inf else 0.0

    def _find_peak(self) -> float:
        if self._peak is None:
            self._peak = self._source.find_peak(self._start, self._end)
        return self._peak

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        before, after = gain, 1.0
        if self._peak is not None and gain != 1.0:
            before, after = split_gain(gain, self._peak)
        converter = self._converter()
        self.num_clipped = 0
        for samples in self._source.blocks(self._start, self._end):
            if gain != 1.0:
                samples = as_floats(samples)
            frame, num_clipped = as_frame(samples, self._source.sample_rate, before)
            self.num_clipped += num_clipped
            for converted in converter.push(frame):
                yield _louder(converted, after)
        for converted in converter.flush():
            yield _louder(converted, after)


def _louder(frame: AudioFrame, factor: float) -> AudioFrame:
    """Returns a frame with a gain, rounded to the nearest and saturated."""
    if factor == 1.0:
        return frame
    return as_frame(as_floats(np.asarray(frame)) * np.float32(factor), frame.sample_rate)[0]


def _speech(source: Source) -> tuple[int, int | None]:
    """Returns the samples at which the part with speech begins and ends."""
    start, end = _part_with_speech(
        (as_frame(samples, source.sample_rate)[0] for samples in source.blocks()), source.sample_rate
    )
    return start, end if end < source.samples_per_channel else None


def _part_with_speech(frames: Iterable[AudioFrame], sample_rate: int) -> tuple[int, int]:
    from livekit_utils.voice.speech_spans import SpeechSpans

    speech, length = SpeechSpans(sample_rate), 0
    for frame in frames:
        speech.add(frame)
        length += frame.samples_per_channel
    start, end = speech.finish_part(length)
    if start == end:
        raise SoundFileError("nobody speaks in it")
    return start, end


class Trimmed:
    """A mix without what is before its first and after its last word. All is mixed once to find them.

    Raises:
        SoundFileError: Nobody speaks in it; or what the mix raises.
        ValueError: Its rate is out of range.
        ImportError: pywebrtc-audio is not installed.
    """

    def __init__(self, mix: Programme) -> None:
        self._mix = mix
        self.sample_rate, self.num_channels = mix.sample_rate, mix.num_channels
        self._part = _part_with_speech(mix.frames(1.0), mix.sample_rate)

    @property
    def safe_gain(self) -> float:
        return self._mix.safe_gain

    @property
    def max_gain(self) -> float:
        return self._mix.max_gain

    @property
    def num_clipped(self) -> int:
        return self._mix.num_clipped

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        part = FramePart(*self._part)
        for frame in self._mix.frames(gain):
            kept = part.take(frame)
            if kept.samples_per_channel:
                yield kept
