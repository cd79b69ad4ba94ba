"""AudioFrameEvent: what an AudioStream yields."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils.frames.audio_frame import AudioFrame

__all__ = ["AudioFrameEvent"]


@dataclass(slots=True)
class AudioFrameEvent:
    """A frame that has arrived."""

    frame: AudioFrame
