"""Summary collects the figures of one input or output."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit_utils.cli.view.level_meter import LevelMeter

if TYPE_CHECKING:
    from livekit_utils.cli.files.audio_reader import AudioReader
    from livekit_utils.cli.view.track_picture import TrackPicture
    from livekit_utils.frames.audio_frame import AudioFrame


@dataclass
class Summary:
    """Holds the figures of a stream for the report and the plot. `add` must get every frame of the stream."""

    name: str
    sample_rate: int
    num_channels: int
    samples_per_channel: int
    """The length of the stream."""
    gain_db: float = 0.0
    format: str = ""
    subtype: str = ""
    meter: LevelMeter = field(default_factory=LevelMeter)
    picture: TrackPicture | None = None

    @classmethod
    def of(cls, reader: AudioReader, gain_db: float = 0.0) -> Summary:
        """Returns the summary of an input, with no frames yet."""
        return cls(
            reader.name,
            reader.sample_rate,
            reader.num_channels,
            reader.samples_per_channel,
            gain_db,
            reader.format,
            reader.subtype,
        )

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples_per_channel / self.sample_rate

    def add(self, frame: AudioFrame) -> None:
        """Measures the next frame."""
        self.meter.add(frame)
        if self.picture is not None:
            self.picture.add(frame)
