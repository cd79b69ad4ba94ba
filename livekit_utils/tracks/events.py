"""AudioFrameEvent: what an AudioStream yields."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.video_frame import VideoFrame, VideoRotation

__all__ = ["AudioFrameEvent", "VideoFrameEvent"]


@public
@dataclass(slots=True)
class VideoFrameEvent:
    """A picture that has arrived, with what was said of it when it was captured."""

    frame: VideoFrame
    timestamp_us: int
    rotation: VideoRotation
    metadata: object = None


@public
@dataclass(slots=True)
class AudioFrameEvent:
    """A frame that has arrived."""

    frame: AudioFrame
