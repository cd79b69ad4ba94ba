"""Events that streams yield: a frame, and what came with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

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

    def _repr_html_(self) -> str:
        """Shows the frame in a notebook."""
        return self.frame._repr_html_()


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

    @classmethod
    def from_av(cls, frame: Any) -> Self:
        """Returns a picture of PyAV with its time and rotation, for `VideoSource.capture_frame`.

        Args:
            frame: An `av.VideoFrame`, as `VideoFrame.from_av` takes it. Without a `pts` its time is 0.

        Raises:
            TypeError, ValueError, ImportError: As `VideoFrame.from_av`.

        Example:
            >>> import av
            >>> from fractions import Fraction
            >>> picture = av.VideoFrame(640, 480, "nv12")
            >>> picture.pts, picture.time_base = 3, Fraction(1, 25)
            >>> VideoFrameEvent.from_av(picture).timestamp_us
            120000
        """
        from livekit_utils.frames.av_pictures import rotation_of

        picture = VideoFrame.from_av(frame)
        time_us = 0
        if frame.pts is not None and frame.time_base is not None:
            time_us = round(frame.pts * frame.time_base * 1_000_000)
        return cls(picture, time_us, rotation_of(frame))

    def _repr_html_(self) -> str:
        """Shows the picture in a notebook, turned as for display."""
        from livekit_utils.frames.notebook import html_of_picture

        return html_of_picture(self.frame, self.rotation, self.timestamp_us)
