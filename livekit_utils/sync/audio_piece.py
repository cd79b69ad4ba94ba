"""AudioPiece: audio whose timestamps go on from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class AudioPiece:
    """A stretch of audio whose timestamps belong together: its last sample ends at media time `end`, and is heard when
    the MediaClock shows `played`."""

    start: float
    end: float
    played: float
    num_frames: int = 0

    def due(self, media_time: float) -> float:
        """The played time at which it is heard, or would be if this stretch was longer."""
        return self.played - (self.end - media_time)
