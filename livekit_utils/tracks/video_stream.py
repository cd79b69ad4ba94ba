"""VideoStream: the video frames of a track."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from livekit_utils._runtime.arguments import check_choice
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.trouble import Trouble
from livekit_utils.frames.picture_conversion import converted_pixels
from livekit_utils.frames.video_frame import VideoBufferType, VideoFrame
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.live_stream import LiveStream
from livekit_utils.tracks.sdk_feed import Participant, video_feed
from livekit_utils.tracks.track import LocalVideoTrack, Track

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["VideoStream", "VideoStreamStats"]


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class VideoStreamStats:
    """Counters of a `VideoStream`."""

    num_frames: int
    """Frames that came, including those that were dropped."""
    num_dropped_frames: int
    """Frames that were dropped because the reader was too slow."""
    num_queued_frames: int
    """Frames that wait to be read."""
    num_failed_frames: int
    """Frames that could not be converted to the stream's format, and were left out."""


@public
class VideoStream(LiveStream[VideoFrameEvent]):
    """Reads the video frames of a track, live from now on: an async iterator of `VideoFrameEvent`.

    Any number of streams may be open on a track; they share the frames, which nobody can write to. Frames that are
    queued when the track ends are delivered before the end.

    Args:
        track: A track that `LocalVideoTrack.create_video_track` returned, or a video track of the LiveKit SDK.
        loop: Not used; accepted for compatibility.
        capacity: Number of frames that may wait to be read. Beyond it the oldest is dropped, which is counted in
            `stats` and logged once. 0 drops nothing: memory grows if nobody reads.
        format: The pixel format of all frames that the stream delivers. A frame of another format is converted, as
            `VideoFrame.convert` does it by default, for each stream that asks for it. None delivers frames as they
            are. A frame that cannot be converted, for want of memory, is left out: this is logged once per run of
            failures, and counted in `stats`.

    Raises:
        ValueError: A negative capacity, or a format that does not exist.
        TypeError: `track` is not a video track.
        RuntimeError: The track is one of the SDK, and gone with its room, or no event loop is running.
        ImportError: The track is one of the SDK, which is too old.

    On a track of the SDK, the stream reads a stream of the SDK, which it opens and closes. It ends when the track ends
    or its room is closed.

    Threads: read in one event loop at a time. It may be made outside of a loop. On a track of the SDK it is made in a
    running loop, and ends with it.

    Example:
        >>> import asyncio
        >>> from livekit_utils import VideoFrame, VideoSource
        >>> async def main() -> None:
        ...     source = VideoSource(4, 2)
        ...     stream = VideoStream(LocalVideoTrack.create_video_track("camera", source))
        ...     source.capture_frame(VideoFrame(4, 2, VideoBufferType.RGBA, bytes(32)), timestamp_us=40_000)
        ...     await source.aclose()
        ...     print([event.timestamp_us async for event in stream])
        >>> asyncio.run(main())
        [40000]
    """

    def __init__(
        self,
        track: Track | rtc.Track | Participant,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        format: VideoBufferType | int | None = None,
    ) -> None:
        self._failures = Trouble("%r: %r cannot be converted to %s; it is left out")
        self._format = None if format is None else check_choice("format", format, VideoBufferType)
        super().__init__(track if isinstance(track, LocalVideoTrack) else video_feed(track, self._format), capacity)
        self._subscribe()

    @classmethod
    def from_track(
        cls,
        *,
        track: Track | rtc.Track,
        loop: asyncio.AbstractEventLoop | None = None,
        format: VideoBufferType | int | None = None,
        capacity: int = 0,
    ) -> Self:
        """Makes a stream like the constructor, with keyword arguments only."""
        return cls(track, loop, capacity, format)

    @classmethod
    def from_participant(
        cls,
        *,
        participant: rtc.Participant,
        track_source: rtc.TrackSource.ValueType,
        loop: asyncio.AbstractEventLoop | None = None,
        format: VideoBufferType | int | None = None,
        capacity: int = 0,
    ) -> Self:
        """Makes a stream on the track that a participant of the LiveKit SDK publishes from some source.

        Args:
            participant: A participant of the SDK. It need not have published the track yet.
            track_source: A number of `rtc.TrackSource`, such as `rtc.TrackSource.SOURCE_CAMERA`.

        The other arguments, and what is raised, are those of the constructor.
        """
        return cls(Participant(participant, track_source), loop, capacity, format)

    def stats(self) -> VideoStreamStats:
        """Returns the counters of the stream."""
        return VideoStreamStats(
            num_frames=self._queue.num_put,
            num_dropped_frames=self._queue.num_dropped,
            num_queued_frames=len(self._queue),
            num_failed_frames=self._failures.count,
        )

    async def aclose(self) -> None:
        """Ends the stream at once, also for tasks that wait for a frame. Frames that were not read are dropped. A
        second call does nothing."""
        if self._close():
            await self._feed_closed()

    def __repr__(self) -> str:
        return f"VideoStream(track={self._track.name!r}{', closed' if self._closed else ''})"

    # -- what the source calls ----------------------------------------------------------------------------------------

    def _receive(self, event: VideoFrameEvent) -> None:
        if self._closed or self._track.muted:
            return
        frame = self._converted(event.frame)
        if frame is not None:
            self._queue.put(VideoFrameEvent(frame, event.timestamp_us, event.rotation, event.metadata))

    def _converted(self, frame: VideoFrame) -> VideoFrame | None:
        """Returns the frame in the stream's format, over pixels that nobody can write to; None if that failed."""
        if self._format is None or frame.type is self._format:
            return frame
        try:
            pixels = converted_pixels(frame, self._format, writable=False)
        except Exception as error:
            self._failures.failed(self, frame, self._format.name, error=error)
            return None
        self._failures.good()
        return VideoFrame(frame.width, frame.height, self._format, pixels)

    def _on_idle(self) -> None:
        """Does nothing: the stream holds nothing back."""

    def _end(self) -> None:
        self._queue.end()
