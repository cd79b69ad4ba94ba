"""VideoFrameEvent: what a VideoStream yields."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils.frames.video_frame import VideoFrame
from livekit_utils.frames.video_rotation import VideoRotation

__all__ = ["VideoFrameEvent"]


@dataclass(slots=True)
class VideoFrameEvent:
    """A picture that has arrived, with what was said of it when it was captured."""

    frame: VideoFrame
    timestamp_us: int
    rotation: VideoRotation
    metadata: object = None
