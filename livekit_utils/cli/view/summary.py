"""Summary: one sound of a job, an input or the result, and what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit_utils.cli.view.level_meter import LevelMeter

if TYPE_CHECKING:
    from livekit_utils.cli.view.track_picture import TrackPicture
    from livekit_utils.frames.audio_frame import AudioFrame


@dataclass
class Summary:
    """What the report and the plot say of a stream; `add` sees every frame of it."""

    name: str
    sample_rate: int
    num_channels: int
    num_frames: int
    """Its whole length."""
    gain_db: float = 0.0
    format: str = ""
    subtype: str = ""
    meter: LevelMeter = field(default_factory=LevelMeter)
    picture: TrackPicture | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_frames / self.sample_rate

    def add(self, frame: AudioFrame) -> None:
        self.meter.add(frame)
        if self.picture is not None:
            self.picture.add(frame)
