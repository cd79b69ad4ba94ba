"""VideoBridge: a track of the LiveKit SDK, to be published, that carries what a source of this package captures."""

from __future__ import annotations

import inspect
from typing import Any

from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble
from livekit_utils.frames import sdk
from livekit_utils.frames.picture_conversion import converted_pixels
from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.video_source import VideoSource

_SENT_INSTEAD = {
    VideoBufferType.NV12: VideoBufferType.I420,
    VideoBufferType.I010: VideoBufferType.I420,
    VideoBufferType.ABGR: VideoBufferType.RGBA,
}


class VideoBridge:
    """Makes a track of the SDK, and gives it what the streams on a source's tracks get.

    The bridge lives as long as the SDK's track or whoever else has it, and ends with the source.

    Args:
        name: Of the SDK's track.
        source: What is sent.

    Raises:
        ImportError: The SDK is not installed, cannot be imported, or is too old.
        RuntimeError: The source is closed.

    Threads: frames are sent in the thread that captures them.
    """

    is_over = False

    def __init__(self, name: str, source: VideoSource) -> None:
        source._check_open()
        rtc = sdk.load()
        options: dict[str, Any] = {}
        if source.is_screencast and "is_screencast" in inspect.signature(rtc.VideoSource).parameters:
            options["is_screencast"] = True
        self._sdk_source = rtc.VideoSource(source.width, source.height, **options)
        self.track = rtc.LocalVideoTrack.create_video_track(name, self._sdk_source)
        """The SDK's track."""
        self.track._livekit_utils_bridge = self  # whoever keeps the track keeps it going
        self._metadata: Any = getattr(rtc._proto.video_frame_pb2, "FrameMetadata", ())
        self._trouble = Trouble("track %r: the LiveKit SDK takes no picture: %s")
        source._fan_out.attach(self)

    def _receive(self, event: VideoFrameEvent) -> None:
        if self.track.muted:
            return
        options = {"metadata": event.metadata} if isinstance(event.metadata, self._metadata) else {}
        try:
            self._sdk_source.capture_frame(
                _sendable(event.frame), timestamp_us=event.timestamp_us, rotation=int(event.rotation), **options
            )
            self._trouble.good()
        except ENDS_PROGRAM:
            raise
        except BaseException as error:
            self._trouble.failed(self.track.name, error, error=error)

    def _on_idle(self) -> None:
        """Does nothing: nothing is held back."""

    def _end(self) -> None:
        self._sdk_source._ffi_handle.dispose()


def _sendable(frame: VideoFrame) -> VideoFrame:
    """Returns a frame in a format that the SDK can send. It ends the process where it is given NV12, with SDK 1.0.x
    also ABGR, and shows nothing of I010."""
    kind = _SENT_INSTEAD.get(frame.type)
    if kind is None:
        return frame
    return VideoFrame(frame.width, frame.height, kind, converted_pixels(frame, kind, writable=False))
