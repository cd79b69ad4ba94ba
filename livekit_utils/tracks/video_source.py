"""VideoSource: pictures for whoever watches."""

from __future__ import annotations

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils.frames.video_frame import VideoFrame, VideoRotation, as_video_frame, frozen_video_frame
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.fan_out import FanOut

__all__ = ["VideoSource"]


@public
class VideoSource(AsyncClosing):
    """Hands each picture to every stream on its tracks, when it is captured. There is no queue and no clock: whoever
    captures sets the pace (`AVSynchronizer` does it by the clock).

    Args:
        width: Pixels, from 1; what is usual. Frames of other sizes are welcome.
        height: Rows, from 1.
        is_screencast: Kept for whoever asks.

    Raises:
        ValueError: A size below 1.

    Ownership: pixels that could still be changed are copied once, for all streams together, if there are any. A frame
    made from `bytes` is not copied. Streams share what they get, and cannot write to it.

    Threads: `capture_frame` may be called in any thread, by one at a time.

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
        self._closed = False

    @property
    def width(self) -> int:
        return self._width

    @property
    def height(self) -> int:
        return self._height

    @property
    def is_screencast(self) -> bool:
        return self._is_screencast

    def capture_frame(
        self,
        frame: VideoFrame,
        *,
        timestamp_us: int = 0,
        rotation: VideoRotation | int = VideoRotation.VIDEO_ROTATION_0,
        metadata: object = None,
    ) -> None:
        """Hands a picture out. It never waits.

        Args:
            frame: Ours, or the LiveKit SDK's.
            timestamp_us: For the event, as it is.
            rotation: How it is to be turned for display; pixels stay as they are.
            metadata: For the event, as it is.

        Raises:
            TypeError: Not a frame.
            ValueError: A rotation that there is not, or a frame without enough pixels.
            RuntimeError: The source is closed.
        """
        picture = as_video_frame(frame)
        rotation = VideoRotation(rotation)
        if self._closed:
            raise RuntimeError("this VideoSource is closed")
        if len(self._fan_out):
            self._fan_out.receive(VideoFrameEvent(frozen_video_frame(picture), timestamp_us, rotation, metadata))

    async def aclose(self) -> None:
        """Ends all streams on this source's tracks; what they have queued is delivered. A second call does nothing."""
        self._closed = True
        self._fan_out.end()

    def __repr__(self) -> str:
        return f"VideoSource(width={self._width}, height={self._height}{', closed' if self._closed else ''})"
