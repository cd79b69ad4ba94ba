"""SdkFeed: brings the frames of a track or participant of the LiveKit SDK to a stream of this package.

The SDK's stream is read by one task, which hands each frame to a FanOut, as a source does with what it plays.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import weakref
from collections.abc import Callable
from typing import Any

from livekit_utils._runtime.arguments import check_type
from livekit_utils._runtime.deadline import Deadline
from livekit_utils._runtime.streams import close_iterator
from livekit_utils._runtime.tasks import OwnTask, start_task
from livekit_utils._runtime.trouble import ENDS_PROGRAM
from livekit_utils.frames import sdk
from livekit_utils.frames.audio_frame import as_audio_frame
from livekit_utils.frames.video_frame import VideoBufferType, VideoRotation, as_video_frame
from livekit_utils.tracks.events import VideoFrameEvent
from livekit_utils.tracks.fan_out import FanOut
from livekit_utils.tracks.track import LocalAudioTrack, LocalVideoTrack

logger = logging.getLogger("livekit_utils")

# Time in seconds without a frame after which the track is idle, as for a source.
_IDLE_S = 0.04

# Time in seconds that the SDK's stream gets to end. It ends within a millisecond, or never, if its library is gone.
_PATIENCE_S = 1.0

# The formats to which the SDK converts what it has received. Asked for another one, it delivers nothing.
_CONVERTED_BY_SDK = frozenset(VideoBufferType(number) for number in range(6))


class Participant:
    """A participant's track of some source, for which a stream is opened, instead of a track."""

    def __init__(self, participant: Any, track_source: Any) -> None:
        if not sdk.is_participant(participant):
            raise TypeError(f"participant: expected a participant of the LiveKit SDK, got {type(participant).__name__}")
        self.participant, self.track_source = participant, track_source


class SdkFeed:
    """Reads a stream of the SDK, and hands its frames to one stream of this package, to which it stands for a Track.

    It owns the SDK's stream, and closes it. It has an end with the SDK's stream, with `close`, with the event loop, and
    with the stream that it feeds, which it does not keep alive.

    Threads: for the event loop in which it was opened, but for `close`.
    """

    muted = False
    """Never: the SDK does what a mute asks for."""

    def __init__(self, track: Any, open_stream: Callable[[Any, Any], Any], convert: Callable[[Any], Any]) -> None:
        """Opens nothing yet.

        Args:
            track: A track of the SDK, or a Participant.
            open_stream: Called with `livekit.rtc` and the track to return a stream of the SDK.
            convert: Makes what the FanOut hands out from an event of that stream.
        """
        self._track = track
        self._open_stream = open_stream
        self._convert = convert
        self._of_participant = isinstance(track, Participant)
        self._fan_out: FanOut[Any] = FanOut()
        self._idle = Deadline(_IDLE_S, self._fan_out.idle)
        self._task: asyncio.Task[None] | None = None
        self._room: Any = None  # that ends the track with its own end
        self._reads = False
        self._is_stopped = False
        self._has_ended = False  # the SDK's stream has, or the track

    @property
    def name(self) -> str:
        return str(self._track.participant.identity if self._of_participant else self._track.name)

    @property
    def sid(self) -> str:
        return "" if self._of_participant else str(self._track.sid)

    def open(self, on_error: weakref.WeakMethod[Callable[[BaseException], None]]) -> None:
        """Opens the SDK's stream, and reads it from now on.

        Args:
            on_error: Called if the stream raises.

        Raises:
            ImportError: The SDK is not installed, cannot be imported, or is too old.
            RuntimeError: No event loop runs, or the track is gone.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise RuntimeError(
                "a stream on a track of the LiveKit SDK has to be made in a running event loop"
            ) from None
        rtc = sdk.load()
        owner = self._track.participant if self._of_participant else self._track
        handle = getattr(owner, "_ffi_handle", None)
        try:
            if getattr(handle, "disposed", False):
                raise RuntimeError("its handle was given back")
            room = _room(owner)
            if room is not None and not room.isconnected():
                raise RuntimeError("its room is not connected")
            stream = self._open_stream(rtc, self._track)
        except (RuntimeError, AssertionError) as error:
            # The SDK asserts that its library knows the handle.
            raise RuntimeError(f"the LiveKit SDK opens no stream on {owner!r}, which may be gone: {error}") from error
        if room is not None:
            room.on("disconnected", self._on_disconnected)
            room.on("track_unsubscribed", self._on_track_unsubscribed)
            self._room = room
        self._task = start_task(self._read(stream, on_error), f"livekit_utils reads {owner!r}")

    def close(self) -> None:
        """Ends the reading; its task closes the SDK's stream. It may be called in any thread, and more than once."""
        task = self._task
        if task is None or task.done() or self._has_ended:
            return
        loop = task.get_loop()
        try:
            is_here = asyncio.get_running_loop() is loop
        except RuntimeError:
            is_here = False
        if is_here:
            self._stop()
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self._stop)

    async def aclose(self) -> None:
        """Closes, and returns when the SDK's stream is closed; at once in another event loop than the reading one."""
        self.close()
        task = self._task
        here = asyncio.get_running_loop()
        if task is not None and not task.done() and task.get_loop() is here and task is not asyncio.current_task():
            await asyncio.wait([task])  # a cancellation of this leaves the task alone, and it closes the stream

    def _stop(self) -> None:
        self._is_stopped = True
        if self._reads and self._task is not None:
            self._task.cancel()  # earlier, the task would not close the SDK's stream

    async def _read(self, stream: Any, on_error: weakref.WeakMethod[Callable[[BaseException], None]]) -> None:
        own_task = OwnTask()
        try:
            self._watch(stream)
            self._reads = True
            try:
                if self._is_stopped:
                    return
                async for event in stream:
                    self._fan_out.receive(self._convert(event))
                    self._idle.start(asyncio.get_running_loop().time())
            except asyncio.CancelledError:
                if not self._has_ended:
                    raise
                _this_task().uncancel()
            for event in _left(stream):
                self._fan_out.receive(self._convert(event))
            _raise_error(stream)
        except (*ENDS_PROGRAM, GeneratorExit, asyncio.CancelledError):
            raise
        except BaseException as error:
            own_task.leave_if_gone()
            self._has_ended = True  # `fail` closes this: there is nothing to stop any more
            fail = on_error()
            if fail is not None:
                fail(error)
        finally:
            self._has_ended = True
            self._leave_room()
            self._idle.close()
            self._fan_out.end()
            await self._close_stream(stream)

    async def _close_stream(self, stream: Any) -> None:
        if sys.exc_info()[0] is GeneratorExit:
            return  # the reading is collected together with its loop: nobody can wait
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await close_iterator(stream, f"{self.name!r}: the stream of the LiveKit SDK")
        except TimeoutError:  # the SDK's task was cancelled with this
            logger.warning("%r: the stream of the LiveKit SDK has not ended within %g s", self.name, _PATIENCE_S)

    def _watch(self, stream: Any) -> None:
        """Has the reading end when the SDK's stream does. The SDK's VideoStream leaves its reader waiting at the end,
        and both of its streams do if they fail."""
        ended = getattr(stream, "_task", None)
        if isinstance(ended, asyncio.Task):
            ended.add_done_callback(lambda _: self._end_reading())

    def _end_reading(self) -> None:
        """Ends the reading after what has come already."""
        task = self._task
        if task is not None and not self._has_ended and not task.done() and not task.cancelling():
            self._has_ended = True
            self._stop()

    # -- what the room tells ------------------------------------------------------------------------------------------

    # A stream of the SDK goes on waiting for frames while anybody, such as this feed, keeps a track that is gone.

    def _on_disconnected(self) -> None:
        self._end_reading()

    def _on_track_unsubscribed(self, track: Any) -> None:
        if track is self._track:
            self._end_reading()

    def _leave_room(self) -> None:
        room, self._room = self._room, None
        if room is not None:
            room.off("disconnected", self._on_disconnected)
            room.off("track_unsubscribed", self._on_track_unsubscribed)


def audio_feed(track: Any, sample_rate: int, num_channels: int) -> tuple[SdkFeed, int, int]:
    """Returns a feed of audio frames, with their sample rate and number of channels. These are what was asked for, if
    the SDK converts to it well.

    Raises:
        TypeError: Not an audio track of the SDK.
    """
    if not isinstance(track, Participant) and not sdk.is_audio_track(track):
        check_type("track", track, LocalAudioTrack, "a track of the LiveKit SDK or a livekit_utils")
    # Of other rates, 10 ms are no whole number of samples, and the SDK leaves out the fraction.
    rate = sample_rate if sample_rate % 100 == 0 and 8000 <= sample_rate <= 192_000 else 48_000
    channels = num_channels if num_channels <= 2 else 1

    def open_stream(rtc: Any, track: Any) -> Any:
        if isinstance(track, Participant):
            return rtc.AudioStream.from_participant(
                participant=track.participant, track_source=track.track_source, sample_rate=rate, num_channels=channels
            )
        return rtc.AudioStream(track, sample_rate=rate, num_channels=channels)

    return SdkFeed(track, open_stream, lambda event: as_audio_frame(event.frame)), rate, channels


def video_feed(track: Any, format: VideoBufferType | None) -> SdkFeed:
    """Returns a feed of VideoFrameEvents, of this format if the SDK converts to it.

    Raises:
        TypeError: Not a video track of the SDK.
    """
    if not isinstance(track, Participant) and not sdk.is_video_track(track):
        check_type("track", track, LocalVideoTrack, "a track of the LiveKit SDK or a livekit_utils")
    wanted = int(format) if format is not None and format in _CONVERTED_BY_SDK else None

    def open_stream(rtc: Any, track: Any) -> Any:
        if isinstance(track, Participant):
            return rtc.VideoStream.from_participant(
                participant=track.participant, track_source=track.track_source, format=wanted
            )
        return rtc.VideoStream(track, format=wanted)

    return SdkFeed(track, open_stream, _video_event)


def _video_event(event: Any) -> VideoFrameEvent:
    metadata = getattr(event, "metadata", None)
    frame = as_video_frame(event.frame)
    return VideoFrameEvent(frame, event.timestamp_us, VideoRotation(event.rotation), metadata)


# -- what the SDK's objects keep to themselves -------------------------------------------------------------------------


def _room(owner: Any) -> Any:
    """The room of a remote track; None for others, and with SDK 1.0.x, where tracks do not know their rooms."""
    resolve = getattr(owner, "_resolve_room", None)
    return resolve() if resolve is not None and type(owner).__name__.startswith("Remote") else None


def _left(stream: Any) -> list[Any]:
    """What the SDK's stream still has queued: at its end, it does not hand that out any more."""
    queue: Any = getattr(getattr(stream, "_queue", None), "_queue", None)
    return [] if queue is None else [event for event in queue if event is not None]


def _raise_error(stream: Any) -> None:
    """Raises the error with which the SDK's stream has failed, if it has."""
    ended = getattr(stream, "_task", None)
    if isinstance(ended, asyncio.Task) and ended.done() and not ended.cancelled():
        error = ended.exception()
        if error is not None:
            raise error


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task
