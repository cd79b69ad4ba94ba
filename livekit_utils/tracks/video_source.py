"""VideoSource: hands captured video frames to all streams on its tracks."""

from __future__ import annotations

import time
from typing import NoReturn

from livekit_utils._runtime.arguments import check_choice, check_int
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.video_frame import VideoFrame, VideoRotation, as_video_frame, frozen_video_frame
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.fan_out import FanOut

__all__ = ["VideoSource"]

# Timestamps are passed on as they are; they have to fit into 64 bits, as everywhere in the field.
_MAX_TIMESTAMP_US = 2**63 - 1


@public
class VideoSource(AsyncClosing):
    """Hands each video frame to every stream on its tracks when it is captured.

    It has no queue and no clock: the caller sets the pace (`AVSynchronizer` does that by the clock).

    Args:
        width: Usual width in pixels, from 1. Frames of other sizes are accepted.
        height: Usual height in rows, from 1.
        is_screencast: Not used; the property of this name returns it.

    Raises:
        ValueError: A size below 1.
        TypeError: A size that is not an int.

    Ownership: pixels that could still be changed are copied once for all streams together, if there are any. A frame
    over `bytes` is not copied. Streams share the frames, and cannot write to them.

    Threads: `capture_frame` may be called in any thread, but not in two at a time.

    Example:
        >>> from livekit_utils import VideoBufferType
        >>> source = VideoSource(640, 480)
        >>> source.capture_frame(VideoFrame(640, 480, VideoBufferType.I420, bytes(640 * 480 * 3 // 2)), timestamp_us=40)
    """

    def __init__(self, width: int, height: int, *, is_screencast: bool = False) -> None:
        self._width = check_int("width", width, 1)
        self._height = check_int("height", height, 1)
        self._is_screencast = bool(is_screencast)
        self._fan_out: FanOut[VideoFrameEvent] = FanOut()

    @property
    def width(self) -> int:
        """Pixels in a row."""
        return self._width

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return self._height

    @property
    def is_screencast(self) -> bool:
        """Whether the pictures are those of a screen."""
        return self._is_screencast

    def capture_frame(
        self,
        frame: VideoFrame,
        *,
        timestamp_us: int = 0,
        rotation: VideoRotation | int = VideoRotation.VIDEO_ROTATION_0,
        metadata: object = None,
    ) -> None:
        """Hands a frame to the streams, without waiting.

        Args:
            frame: A VideoFrame of this package or of the LiveKit SDK.
            timestamp_us: Passed on in the event, in microseconds. 0 stands for now, by the clock of `time.monotonic`,
                which is that of the LiveKit SDK too.
            rotation: Passed on in the event: how to turn the frame for display. The pixels are not changed.
            metadata: Passed on in the event.

        Raises:
            TypeError: An argument of another type.
            ValueError: A rotation that does not exist, or a frame without enough pixels.
            RuntimeError: The source is closed.
        """
        video_frame = as_video_frame(frame)
        timestamp_us = check_int("timestamp_us", timestamp_us, -_MAX_TIMESTAMP_US, _MAX_TIMESTAMP_US)
        rotation = check_choice("rotation", rotation, VideoRotation)
        self._check_open()
        if len(self._fan_out):
            timestamp_us = timestamp_us or time.monotonic_ns() // 1000
            self._fan_out.receive(VideoFrameEvent(frozen_video_frame(video_frame), timestamp_us, rotation, metadata))

    async def aclose(self) -> None:
        """Ends all streams on this source's tracks; frames that they have queued are delivered. A second call does
        nothing."""
        self._closed = True
        self._fan_out.end()

    @property
    def _ffi_handle(self) -> NoReturn:
        """Refuses the LiveKit SDK's `create_video_track`, which asks for this."""
        raise TypeError(
            "source: expected a source of the LiveKit SDK, got one of livekit_utils: "
            "livekit_utils.LocalVideoTrack.create_video_track makes a track of it, which publish_track takes"
        )

    def __repr__(self) -> str:
        return f"VideoSource(width={self._width}, height={self._height}{', closed' if self._closed else ''})"
