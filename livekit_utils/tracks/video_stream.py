"""VideoStream: the pictures of a track."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Self

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.queues import LiveQueue
from livekit_utils.frames.video_frame import VideoBufferType
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.track import LocalVideoTrack, Track

__all__ = ["VideoStream", "VideoStreamStats"]


@public
class VideoStreamStats(NamedTuple):
    """What a stream has done and holds."""

    frames: int
    """Frames that came, those that were dropped included."""
    dropped_frames: int
    """Frames that the reader was too slow for."""
    queued_frames: int
    """Frames that wait to be read."""


@public
class VideoStream(AsyncClosing):
    """The pictures of a track: an async iterator of `VideoFrameEvent`, live from now on.

    Any number of streams may be open on a track; they share the pictures, which nobody can write to. What is queued
    when the track ends is delivered before the end.

    Args:
        track: What `LocalVideoTrack.create_video_track` gave.
        loop: Not needed, and not used.
        capacity: Frames that may wait to be read; then the oldest is dropped, counted in `stats`, and said in the log
            once. 0 drops nothing: memory grows if nobody reads.
        format: The pixel format that the reader relies on. Pictures are not converted: one of another format ends the
            stream with a `ValueError` to the reader. None takes them as they come.

    Raises:
        ValueError: A negative capacity, a format that there is not.
        TypeError: Not a video track of this package.

    Threads: read in one event loop at a time. It may be made outside of one.

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
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        format: VideoBufferType | int | None = None,
    ) -> None:
        if not isinstance(track, LocalVideoTrack):
            raise TypeError(f"expected a video track of livekit_utils, got {track!r}")
        self._format = None if format is None else VideoBufferType(format)
        self._track = track
        self._closed = False
        self._queue: LiveQueue[VideoFrameEvent] = LiveQueue(check_int("capacity", capacity, 0), repr(self))
        track._source._fan_out.attach(self)

    @classmethod
    def from_track(
        cls,
        *,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        format: VideoBufferType | int | None = None,
        capacity: int = 0,
    ) -> Self:
        """The same by keywords."""
        return cls(track, loop, capacity, format)

    def stats(self) -> VideoStreamStats:
        """What the stream has done and holds."""
        return VideoStreamStats(self._queue.num_put, self._queue.num_dropped, len(self._queue))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> VideoFrameEvent:
        if len(self._queue):
            return await self._queue.get()
        fan_out = self._track._source._fan_out
        held = fan_out.hold(self)
        try:
            return await self._queue.get()
        finally:
            fan_out.let_go(held)

    async def aclose(self) -> None:
        """Ends the stream at once, for readers that wait as well. What has not been read is dropped. A second call does
        nothing."""
        self._closed = True
        self._track._source._fan_out.detach(self)
        self._queue.close()

    def __repr__(self) -> str:
        return f"VideoStream(track={self._track.name!r}{', closed' if self._closed else ''})"

    # -- what the source calls ----------------------------------------------------------------------------------------

    def _receive(self, event: VideoFrameEvent) -> None:
        if self._closed or self._track.muted:
            return
        if self._format is not None and event.frame.type is not self._format:
            self._track._source._fan_out.detach(self)
            self._queue.end(ValueError(f"expected {self._format.name} frames, got {event.frame.type.name}"))
            return
        self._queue.put(VideoFrameEvent(event.frame, event.timestamp_us, event.rotation, event.metadata))

    def _rest(self) -> None:
        """Nothing is held back."""

    def _end(self) -> None:
        self._queue.end()
