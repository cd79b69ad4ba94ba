"""Events that streams yield: a frame, and what came with it."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils._runtime.public_path import public
from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.frames.video_frame import VideoFrame, VideoRotation

__all__ = ["AudioFrameEvent", "VideoFrameEvent"]


@public
@dataclass(slots=True)
class AudioFrameEvent:
    """Carries a frame of an `AudioStream`."""

    frame: AudioFrame
    """The sound."""


@public
@dataclass(slots=True)
class VideoFrameEvent:
    """Carries a frame of a `VideoStream`, with the arguments of the `VideoSource.capture_frame` that captured it."""

    frame: VideoFrame
    """The picture."""
    timestamp_us: int
    """Microseconds: those given to `capture_frame`, or the time of the capture by the clock of `time.monotonic`."""
    rotation: VideoRotation
    """How the picture is to be turned before it is shown."""
    metadata: object = None
    """What the producer gave with the frame."""
