"""What an output is made of: one sound, or a mix. Both give the same frames each time, at any gain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.samples import as_floats, as_frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit_utils.batch.job import Job
    from livekit_utils.batch.source import Source
    from livekit_utils.frames.audio_frame import AudioFrame
    from livekit_utils.signals.normalization import Normalization

# What a peak is brought to while it is measured: exact to 0.001 dB, and far from clipping.
_MEASURED_PEAK = 0.5

# Full scale, less what rounding may add.
_SAFE_PEAK = 0.9999

# Seconds that are kept around speech: its last sound may be too soft to be found.
_MARGIN_S = 0.2


class Programme(Protocol):
    """A sound in the rate and channels of the output."""

    sample_rate: int
    num_channels: int

    @property
    def safe_gain(self) -> float:
        """A gain at which it can be measured without clipping; 0 for silence."""
        ...

    @property
    def max_gain(self) -> float:
        """The highest gain that is possible."""
        ...

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        """Yields all of it, with a gain."""
        ...


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

    def _converter(self) -> FrameConverter:
        converter = FrameConverter(self.sample_rate, self.num_channels, quality=self._quality)
        if (self._source.sample_rate, self._source.num_channels) != (self.sample_rate, self.num_channels):
            converter.change_format(self._source.sample_rate, self._source.num_channels)
        return converter

    @property
    def safe_gain(self) -> float:
        return _MEASURED_PEAK / self._find_peak() if 0 < self._find_peak() < np.inf else 0.0

    def _find_peak(self) -> float:
        """Returns the peak of the file."""
        if self._peak is None:
            blocks = self._source.blocks(self._start, self._end)
            self._peak = max((float(np.abs(as_floats(samples)).max(initial=0)) for samples in blocks), default=0.0)
        return self._peak

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        before = after = 1.0
        if gain != 1.0:
            # The file itself must not clip, before its filter brings it down.
            before = min(gain, _SAFE_PEAK / self._find_peak())
            after = gain / before
        converter = self._converter()
        for samples in self._source.blocks(self._start, self._end):
            if gain != 1.0:
                samples = as_floats(samples)
            for frame in converter.push(as_frame(samples, self._source.sample_rate, before)[0]):
                yield _louder(frame, after)
        for frame in converter.flush():
            yield _louder(frame, after)


class Gain(NamedTuple):
    """A factor, and why it is not the one that was asked for."""

    factor: float
    note: str = ""


def normalizing_gain(programme: Programme, wanted: Normalization) -> Gain:
    """Returns the gain that brings a programme to a level. All of it is made once for this.

    Raises:
        ValueError: Its loudness cannot be measured.
    """
    measurement = wanted.measure(programme.sample_rate, programme.num_channels)
    safe = programme.safe_gain
    if not safe:
        return Gain(1.0)
    for frame in programme.frames(safe):
        measurement.add(frame)
    missing = measurement.gain()
    if not missing.is_known:
        return Gain(1.0, missing.note)
    factor = safe * 10 ** (missing.db / 20)
    if factor > programme.max_gain:
        short_db = 20 * np.log10(factor / programme.max_gain)
        return Gain(programme.max_gain, f"{short_db:.1f} dB below {wanted}: an input would get more than +40 dB")
    return Gain(factor, missing.note)


def _louder(frame: AudioFrame, factor: float) -> AudioFrame:
    """Returns a frame with a gain, rounded to the nearest and saturated."""
    if factor == 1.0:
        return frame
    return as_frame(as_floats(np.asarray(frame)) * np.float32(factor), frame.sample_rate)[0]


def _speech(source: Source) -> tuple[int, int | None]:
    """Returns the samples at which the part with speech begins and ends."""
    from livekit_utils.voice.voice_activity_detector import VoiceActivityDetector

    detector, times = VoiceActivityDetector(source.sample_rate), []
    for samples in source.blocks():
        times += [activity.at_s for activity in detector.push(as_frame(samples, source.sample_rate)[0])]
    times += [activity.at_s for activity in detector.flush()]
    if not times:
        raise SoundFileError("nobody speaks in it")
    start = max(0, round((times[0] - _MARGIN_S) * source.sample_rate))
    end = round((times[-1] + _MARGIN_S) * source.sample_rate)
    return start, end if end < source.samples_per_channel else None
