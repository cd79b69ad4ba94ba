"""RecordedVideo: takes the pictures of the track that is recorded."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from livekit_utils._runtime.finished_streams import FinishedStreams
from livekit_utils._runtime.tasks import is_being_cancelled, start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.recording.picture_times import PictureTimes
from livekit_utils.recording.recording_clock import RecordingClock
from livekit_utils.recording.video_lane import VideoLane
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.track import LocalVideoTrack
from livekit_utils.tracks.video_stream import VideoStream

if TYPE_CHECKING:
    from livekit import rtc

    from livekit_utils.tracks.track import Track

logger = logging.getLogger("livekit_utils")

# Seconds that a close waits for a stream that does not end when it is cancelled.
_CLOSE_TIMEOUT_S = 5.0

# Pictures that may wait for an event loop that is held up, in bytes.
_MAX_WAITING_BYTES = 1 << 26


class RecordedVideo:
    """Has a track put its pictures on the lane; one track at a time.

    Args:
        lane: Where they go.
        clock: Of the recording.
        interval_s: Seconds from one call of `tick` to the next.
    """

    def __init__(self, lane: VideoLane, clock: RecordingClock, interval_s: float) -> None:
        self._lane, self._clock, self._interval_s = lane, clock, interval_s
        self._reader: _OwnTrack | _SdkTrack | None = None
        self._finished = FinishedStreams()
        self._sdk_tracks: set[_SdkTrack] = set()  # that are not closed yet
        self._ended = False

    def add(self, track: Track | rtc.Track) -> None:
        """Takes the pictures of a track from now on. Errors are those of `Recorder.add_video`."""
        if not self._lane.has_file:
            raise ValueError("add_video: expected a recording whose file ends in .mp4 or .mkv, got one of sound alone")
        if self._reader is not None:
            raise ValueError(f"track: expected none while {self._reader.track!r} is recorded; remove_video ends that")
        if isinstance(track, LocalVideoTrack):
            self._lane.usual_size = track._source.width, track._source.height
            reader = _OwnTrack(track, asyncio.get_running_loop(), self._take, self._lane.drop, self._end)
            self._reader = reader
            reader.attach()
        else:
            self._reader = theirs = _SdkTrack(track, self._take, self._end, self._interval_s)
            self._sdk_tracks.add(theirs)
            theirs.task.add_done_callback(lambda _: self._sdk_tracks.discard(theirs))

    def remove(self, track: Track | rtc.Track) -> bool:
        """Ends the recording of the track; returns whether it was or is recorded."""
        if self._reader is not None and self._reader.track is track:
            self._reader.detach()
            self._reader = None
            return True
        return track in self._finished

    def tick(self, now: float) -> None:
        """Tells that the event loop is running."""
        if isinstance(self._reader, _SdkTrack):
            self._reader.times.tick(now)

    def end(self) -> None:
        """Takes nothing more. It does not wait."""
        self._ended = True
        if self._reader is not None:
            self._reader.detach()
            self._reader = None

    async def aclose(self) -> None:
        """Waits until nothing is read any more, after `end`."""
        for reader in list(self._sdk_tracks):
            await reader.aclose()

    def _take(self, event: VideoFrameEvent, time: float) -> None:
        if self._ended or self._clock.paused:
            return
        at_s = self._clock.position(time)
        if at_s < self._clock.end_s:
            self._lane.put(event.frame, event.rotation, max(0.0, at_s))

    def _end(self, reader: _OwnTrack | _SdkTrack) -> None:
        """Called when a track has ended by itself."""
        if self._reader is reader:
            self._reader = None
            self._finished.add(reader.track)


class _OwnTrack:
    """Takes the pictures of a track of ours when they are captured.

    Args:
        track: The track.
        loop: The recorder's.
        take: Gets each picture, with the time of the loop at which it was captured. Called in that loop.
        drop: Called for each picture that is left out. Called in that loop.
        on_end: Called with this when the source is closed.

    Threads: pictures may be captured in any thread, one at a time.
    """

    def __init__(
        self,
        track: LocalVideoTrack,
        loop: asyncio.AbstractEventLoop,
        take: Callable[[VideoFrameEvent, float], None],
        drop: Callable[[], None],
        on_end: Callable[[_OwnTrack], None],
    ) -> None:
        self.track, self._loop = track, loop
        self._take, self._drop, self._end_callback = take, drop, on_end
        self._is_attached = False
        self._lock = threading.Lock()
        self._num_waiting_bytes = 0  # for the loop, of pictures of another thread

    def attach(self) -> None:
        """Begins."""
        self._is_attached = True
        self.track._fan_out.attach(self)

    def detach(self) -> None:
        """Ends without a call."""
        self._is_attached = False
        self.track._fan_out.detach(self)

    def _receive(self, event: VideoFrameEvent) -> None:
        if self.track.muted:
            return
        time = self._loop.time()
        if self._is_in_loop():
            self._take(event, time)
            return
        num_bytes = event.frame.data.nbytes
        with self._lock:
            fits = self._num_waiting_bytes + num_bytes <= _MAX_WAITING_BYTES or not self._num_waiting_bytes
            if fits:
                self._num_waiting_bytes += num_bytes
        self._call(functools.partial(self._take_later, event, time, num_bytes) if fits else self._drop)

    def _take_later(self, event: VideoFrameEvent, time: float, num_bytes: int) -> None:
        with self._lock:
            self._num_waiting_bytes -= num_bytes
        if self._is_attached:
            self._take(event, time)

    def _on_idle(self) -> None:
        """Does nothing: nothing is held back."""

    def _end(self) -> None:
        self._call(functools.partial(self._end_callback, self))

    def _call(self, function: Callable[[], None]) -> None:
        if self._is_in_loop():
            function()
        else:
            with contextlib.suppress(RuntimeError):  # the recorder's loop is closed
                self._loop.call_soon_threadsafe(function)

    def _is_in_loop(self) -> bool:
        return asyncio._get_running_loop() is self._loop


class _SdkTrack:
    """Reads the pictures of a track of the SDK.

    Its task has ended when the stream is closed.

    Args:
        track: The track.
        take: Gets each picture, with the time of the loop at which it came.
        on_end: Called with this when the track has ended, or failed.
        interval_s: Seconds from one call of `times.tick` to the next.

    Raises:
        TypeError: No video track.
        RuntimeError: The track is gone with its room.
        ImportError: The SDK is too old.
    """

    def __init__(
        self,
        track: Track | rtc.Track,
        take: Callable[[VideoFrameEvent, float], None],
        on_end: Callable[[_SdkTrack], None],
        interval_s: float,
    ) -> None:
        self.track = track
        self._take, self._end_callback = take, on_end
        self._stream = VideoStream(track)
        self.times = PictureTimes(interval_s)
        self._reads = self._is_stopped = False
        self.task = start_task(self._read(), f"Recorder {self._stream!r}")

    def detach(self) -> None:
        """Ends the reading; the task closes the stream."""
        self._is_stopped = True
        if self._reads:
            self.task.cancel()  # earlier, the task would not close the stream

    async def aclose(self) -> None:
        """Waits until the stream is closed, after `detach`."""
        if self.task is not asyncio.current_task():
            _, pending = await asyncio.wait([self.task], timeout=_CLOSE_TIMEOUT_S)
            if pending:
                logger.error("Recorder: %s does not end although it was cancelled", self.task.get_name())

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        self._reads = True
        try:
            while not self._is_stopped:
                try:
                    event = await anext(self._stream)
                except StopAsyncIteration:
                    break
                self._take(event, self.times.came_at(event.timestamp_us / 1e6, loop.time()))
        except asyncio.CancelledError:
            if is_being_cancelled():
                raise
            logger.error("Recorder: %r raised CancelledError by itself and is removed", self.track)
        except (*ENDS_PROGRAM, GeneratorExit):
            raise
        except BaseException as error:
            logger.error("Recorder: %r failed and is removed: %s", self.track, error, exc_info=error)
        finally:
            self._reads = False
            self._end_callback(self)
            await self._stream.aclose()
