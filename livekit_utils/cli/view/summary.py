"""Summary collects the figures of one input or output."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.view.loudness import LoudnessView
from livekit_utils.files.level_meter import LevelMeter
from livekit_utils.files.samples import as_frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.view.track_picture import TrackPicture
    from livekit_utils.files.samples import Samples
    from livekit_utils.frames.audio_frame import AudioFrame


def whole_path(path: Path) -> str:
    """Returns the path of a file from the root of its file system; "-" of standard input and standard output."""
    return str(path) if str(path) == "-" else os.path.abspath(path)


@dataclass
class Summary:
    """Holds the figures of a stream for the report and the plot. `add` or `frames` must get all of the stream."""

    name: str
    sample_rate: int
    num_channels: int
    samples_per_channel: int
    """The length of the stream; 0 while it is not known."""
    gain_db: float = 0.0
    format: str = ""
    subtype: str = ""
    is_s16: bool = True
    meter: LevelMeter = field(default_factory=LevelMeter)
    """The level before the gain."""
    num_clipped: int = 0
    """Samples of an input above full scale, after the gain, which were clipped."""
    picture: TrackPicture | None = None
    loudness: LoudnessView | None = None
    """None where it is not wanted, or cannot be measured."""
    speech: list[tuple[float, float]] | None = None
    """Where somebody speaks, in seconds; None if nobody has asked."""
    path: str = "-"
    """The whole path of the file; "-" is standard input or standard output."""

    @classmethod
    def of(cls, reader: AudioReader, gain_db: float = 0.0) -> Summary:
        """Returns the summary of an input, with no samples yet."""
        track = cls(
            reader.name,
            reader.sample_rate,
            reader.num_channels,
            reader.samples_per_channel or 0,
            gain_db,
            reader.format,
            reader.subtype,
            reader.is_s16,
        )
        track.path = whole_path(reader.path)
        return track

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples_per_channel / self.sample_rate

    @property
    def rest_db(self) -> float:
        """The part of the gain that `frames` leaves to the mixer: that of int16, which the mixer rounds only once."""
        return self.gain_db if self.is_s16 else 0.0

    def measure_loudness(self) -> None:
        """Measures the loudness too, from the first sample on, where the rate and the channels have one."""
        if LoudnessView.can_measure(self.sample_rate, self.num_channels):
            self.loudness = LoudnessView(self.sample_rate, self.num_channels)

    def draw(self, axis_seconds: float) -> None:
        """Draws a picture of what comes, on a time axis of this length."""
        from livekit_utils.cli.view.track_picture import TrackPicture

        self.picture = TrackPicture(self.sample_rate, self.samples_per_channel, axis_seconds)

    def add(self, samples: Samples) -> None:
        """Measures the next samples."""
        self.meter.add(samples)
        if self.loudness is not None:
            self.loudness.add(samples)
        if self.picture is not None:
            self.picture.add(samples)

    def frames(self, blocks: Iterable[Samples]) -> Iterator[AudioFrame]:
        """Yields the samples of an input as frames, and measures them. Floats get the gain before they are rounded, so
        that what lies above full scale is not lost."""
        gain = 1.0 if self.is_s16 else 10 ** (self.gain_db / 20)
        for samples in blocks:
            self.add(samples)
            frame, num_clipped = as_frame(samples, self.sample_rate, gain)
            self.num_clipped += num_clipped
            yield frame

    def add_frame(self, frame: AudioFrame) -> None:
        """Measures the next frame."""
        self.add(np.asarray(frame))
