"""AudioStream: the audio of a track, in frames of the format that the reader asks for.

The source hands over audio as it plays it. In that call the audio is converted, filtered, cut into frames of one size
and processed, and put into a queue for the reader. No task runs.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from livekit_utils._runtime.arguments import check_channels, check_frame_size, check_int, check_type
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.weak import unless_gone
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.filters.audio_filter import AudioFilter
from livekit_utils.filters.audio_filter_session import AudioFilterSession
from livekit_utils.filters.description import AudioStreamInfo, NoiseCancellationOptions
from livekit_utils.filters.processor_guard import ProcessorGuard
from livekit_utils.frames.audio_frame import AudioFrame, copy_audio_frame
from livekit_utils.tracks.conversions import Conversions
from livekit_utils.tracks.events import AudioFrameEvent
from livekit_utils.tracks.frame_cutter import FrameCutter
from livekit_utils.tracks.live_stream import LiveStream
from livekit_utils.tracks.room_link import RoomLink
from livekit_utils.tracks.sdk_feed import Participant, SdkFeed, audio_feed
from livekit_utils.tracks.track import LocalAudioTrack, Track

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["AudioStream", "AudioStreamStats"]


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AudioStreamStats:
    """Counters of an `AudioStream`."""

    num_frames: int
    """Frames made for the reader, including those that were dropped."""
    num_dropped_frames: int
    """Frames that were dropped because the reader was too slow."""
    num_queued_frames: int
    """Frames that wait to be read."""
    num_processor_failures: int
    """Frames that passed unprocessed because the processor failed."""


_DEFAULT_FRAME_SIZE_MS = 10

# Of a track of the SDK, if channels are picked: it has one or two, and the SDK copies one to both.
_SDK_CHANNELS = 2


class _Break(Enum):
    """Audio that ends, for now or for good: nothing is held back any more."""

    IDLE = 0
    END = 1


@public
class AudioStream(LiveStream[AudioFrameEvent]):
    """Reads the audio of a track, live from now on: an async iterator of `AudioFrameEvent`.

    Any number of streams may be open on a track; each gets all audio, in frames of its own that it may change. No
    sample is left out, and audio that is queued when the track ends is delivered before the end. If less than a frame
    is left before a break of 40 ms or more, or at the end of the track, the frame is shorter; if `frame_size_ms` is
    given, it is filled up with silence.

    Args:
        track: A track that `LocalAudioTrack.create_audio_track` returned, or an audio track of the LiveKit SDK.
        loop: Not used; accepted for compatibility.
        capacity: Number of frames that may wait to be read. Beyond it the oldest is dropped, which is counted in
            `stats` and logged once. 0 drops nothing: memory grows if nobody reads.
        sample_rate: Sample rate of the frames in Hz, from 100. Audio of another rate is resampled.
        num_channels: Number of channels of the frames, 1 to 128. Mono is copied to all channels; many channels are
            averaged to mono.
        frame_size_ms: Length of every frame in milliseconds, at least one sample, up to 60000. None means 10, except
            before breaks.
        noise_cancellation: A `FrameProcessor` (of this package, of the LiveKit SDK, or any object with `enabled` and
            `_process`) that processes each frame, or `NoiseCancellationOptions` for an `AudioFilter` that is loaded.
            If the processor or filter does not work, audio passes unchanged; `stats` and `filter` tell.
        auto_close_noise_cancellation: Whether `aclose` closes the processor.
        channels: Numbers of the channels to take of the track's audio, from 0 and in this order: [0] is the first of
            six, [1, 0] swaps left and right. They are converted to `num_channels` as audio of as many channels is. None
            takes all. A track of the SDK has two; where it is mono, both are the same.

    Raises:
        ValueError: An argument is out of range, the track's audio cannot be converted to this format, or no filter of
            that name is loaded.
        TypeError: An argument of another type, or `track` is not an audio track.
        RuntimeError: The track is one of the SDK, and gone with its room, or no event loop is running.
        ImportError: The track is one of the SDK, which is too old.

    On a track of the SDK, the stream reads a stream of the SDK, which it opens and closes. It ends when the track ends
    or its room is closed. A processor or filter is told of the track's room and its access token, as by the SDK.

    Threads: read in one event loop at a time, which may be another one than the source's. Audio is converted and
    processed in the source's loop. The stream may be made outside of a loop, and closed in any. On a track of the SDK
    it is made in the running loop in which its audio is processed, and ends with that loop.

    Example:
        >>> import asyncio
        >>> from livekit_utils import AudioSource
        >>> async def main() -> None:
        ...     source = AudioSource(48000, 1)
        ...     track = LocalAudioTrack.create_audio_track("voice", source)
        ...     async with AudioStream(track, sample_rate=16000) as stream:
        ...         await source.capture_frame(AudioFrame.create(48000, 1, 960))
        ...         await source.wait_for_playout()
        ...         await source.aclose()
        ...         print(sum([event.frame.duration async for event in stream]))
        >>> asyncio.run(main())
        0.02
    """

    def __init__(
        self,
        track: Track | rtc.Track | Participant,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: float | None = None,
        noise_cancellation: NoiseCancellationOptions | Any | None = None,
        auto_close_noise_cancellation: bool = True,
        *,
        channels: Sequence[int] | None = None,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, 100)
        self._num_channels = check_int("num_channels", num_channels, 1, 128)
        size_ms = _DEFAULT_FRAME_SIZE_MS if frame_size_ms is None else frame_size_ms
        self._frame_size = check_frame_size(self._sample_rate, size_ms)
        self._pads = frame_size_ms is not None
        picked = check_channels("channels", channels)
        own_track: Track | SdkFeed
        if isinstance(track, LocalAudioTrack):
            own_track, rate, num_given = track, track._source.sample_rate, track._source.num_channels
        else:
            wanted = self._num_channels if picked is None else _SDK_CHANNELS
            own_track, rate, num_given = audio_feed(track, self._sample_rate, wanted)
        super().__init__(own_track, capacity)
        self._converter = FrameConverter(self._sample_rate, self._num_channels, picked)
        # It tells at once whether the source's audio can be converted.
        self._converter.change_format(rate, num_given)
        self._conversions = track._conversions if isinstance(track, LocalAudioTrack) else Conversions(own_track)
        self._cutter = FrameCutter(self._sample_rate, self._num_channels, self._frame_size, self._pads)
        self._auto_close = auto_close_noise_cancellation
        self._processor: ProcessorGuard | None = None
        self._filter: AudioFilterSession | None = None
        self._idle = True
        # What has come while the filter starts, or catches up in its thread; None once it has caught up. From there on
        # the filter is used in the source's thread. The lock guards this handover only: nothing is called under it.
        self._held: list[AudioFrame | _Break] | None = None
        self._lock = threading.Lock()
        noise: Any = noise_cancellation
        if hasattr(noise, "module_id") and hasattr(noise, "options"):
            self._filter = AudioFilter.get(noise.module_id).create_session(
                self._sample_rate,
                self._num_channels,
                options=noise.options,
                stream_info=AudioStreamInfo(track_id=own_track.sid),
            )
            self._held = []
            self._filter.on_ready(unless_gone(self._catch_up))
        elif noise is not None:
            self._processor = ProcessorGuard(noise, f"AudioStream of {own_track.name!r}")
        self._subscribe()
        self._room_link = None if noise is None or own_track is track else RoomLink(track, self)

    @classmethod
    def from_track(
        cls,
        *,
        track: Track | rtc.Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: float | None = None,
        noise_cancellation: NoiseCancellationOptions | Any | None = None,
        auto_close_noise_cancellation: bool = False,
        channels: Sequence[int] | None = None,
    ) -> Self:
        """Makes a stream like the constructor, with keyword arguments only. By default it does not close the
        processor."""
        return cls(
            track,
            loop,
            capacity,
            sample_rate,
            num_channels,
            frame_size_ms,
            noise_cancellation,
            auto_close_noise_cancellation,
            channels=channels,
        )

    @classmethod
    def from_participant(
        cls,
        *,
        participant: rtc.Participant,
        track_source: rtc.TrackSource.ValueType,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: float | None = None,
        noise_cancellation: NoiseCancellationOptions | Any | None = None,
        auto_close_noise_cancellation: bool = True,
        channels: Sequence[int] | None = None,
    ) -> Self:
        """Makes a stream on the track that a participant of the LiveKit SDK publishes from some source.

        Args:
            participant: A participant of the SDK. It need not have published the track yet.
            track_source: A number of `rtc.TrackSource`, such as `rtc.TrackSource.SOURCE_MICROPHONE`.

        The other arguments, and what is raised, are those of the constructor.
        """
        return cls(
            Participant(participant, track_source),
            loop,
            capacity,
            sample_rate,
            num_channels,
            frame_size_ms,
            noise_cancellation,
            auto_close_noise_cancellation,
            channels=channels,
        )

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def filter(self) -> AudioFilterSession | None:
        """The session of the `AudioFilter`, if one was asked for. Its `state` and `last_error` tell whether it works;
        `await stream.filter.wait_ready()` raises that error."""
        return self._filter

    @property
    def idle(self) -> bool:
        """Whether the source has nothing to play: it has not begun, or has been silent or paused for 40 ms. It is True
        as soon as the last audio was put out where all of it was captured well ahead of real time."""
        return self._idle

    def update_stream_info(self, info: AudioStreamInfo | None) -> None:
        """Tells the processor or filter which room and participant the audio belongs to; None if it belongs to none
        any more. After `aclose`, it does nothing.

        Raises:
            TypeError: `info` is neither an AudioStreamInfo nor None.
        """
        if info is not None:
            check_type("info", info, AudioStreamInfo, "an")
        if self._closed:
            return
        if self._processor is not None:
            self._processor.update_stream_info(info)
        if self._filter is not None:
            self._filter.update_stream_info(info or AudioStreamInfo(track_id=self._track.sid))

    def update_credentials(self, *, token: str, url: str) -> None:
        """Hands a new access token to the processor or to the filter's plugin. After `aclose`, it does nothing.

        Raises:
            TypeError: An argument that is not a str.
        """
        check_type("token", token, str)
        check_type("url", url, str)
        if self._closed:
            return
        if self._processor is not None:
            self._processor.update_credentials({"token": token, "url": url})
        if self._filter is not None:
            self._filter.update_credentials(url, token)

    def clear_credentials(self) -> None:
        """Tells the processor that there is no access token any more. After `aclose`, it does nothing."""
        if self._processor is not None and not self._closed:
            self._processor.update_credentials(None)

    def stats(self) -> AudioStreamStats:
        """Returns the counters of the stream."""
        return AudioStreamStats(
            num_frames=self._queue.num_put,
            num_dropped_frames=self._queue.num_dropped,
            num_queued_frames=len(self._queue),
            num_processor_failures=self._processor.failures if self._processor is not None else 0,
        )

    async def aclose(self) -> None:
        """Ends the stream at once, also for tasks that wait for a frame, and closes its processor and filter. Frames
        that were not read are dropped. A second call does nothing.

        If the processor or the plugin is at work in another thread, it is closed there when it has returned. This
        waits for it up to 5 s, without blocking the event loop; then a warning is logged.
        """
        if not self._close():
            return
        if self._room_link is not None:
            self._room_link.close()
        try:
            await self._feed_closed()
        finally:
            try:
                if self._processor is not None:
                    await self._processor.aclose(closes_processor=self._auto_close)
            finally:
                if self._filter is not None:
                    await self._filter.aclose()

    def __repr__(self) -> str:
        return (
            f"AudioStream(track={self._track.name!r}, sample_rate={self._sample_rate}, "
            f"num_channels={self._num_channels}{', closed' if self._closed else ''})"
        )

    # -- from the source to the reader --------------------------------------------------------------------------------

    def _attach(self) -> None:
        self._conversions.attach(self, self._converter)

    def _detach(self) -> None:
        self._conversions.detach(self)

    def _receive(self, frame: AudioFrame) -> None:
        """Takes audio in the stream's format."""
        if self._closed:
            return
        self._idle = False
        try:
            if self._filter is None:
                self._put(self._cutter.cut(frame))
            else:
                self._pass_on(frame)
        except Exception as error:
            self._fail(error)

    def _on_idle(self) -> None:
        self._idle = True
        self._break(_Break.IDLE)

    def _end(self) -> None:
        self._break(_Break.END)

    def _break(self, kind: _Break) -> None:
        if self._closed:
            return
        try:
            self._pass_on(kind)
        except Exception as error:
            self._fail(error)

    def _pass_on(self, item: AudioFrame | _Break) -> None:
        """Passes audio on to the filter and the reader; while the filter starts or catches up, holds it."""
        if self._held is not None:
            with self._lock:
                if self._held is not None:
                    self._held.append(copy_audio_frame(item) if isinstance(item, AudioFrame) else item)
                    return
        self._filter_item(item)

    def _catch_up(self) -> None:
        """Filters what is held. It is called in a thread of the filter: the loop that brought the audio may be gone,
        and otherwise must not be blocked while seconds of audio are filtered."""
        while True:
            with self._lock:
                held, self._held = self._held, []
                if not held or self._closed:
                    self._held = None
                    return
            try:
                for item in held:
                    self._filter_item(item)
            except Exception as error:
                self._fail(error)

    def _filter_item(self, item: AudioFrame | _Break) -> None:
        if not isinstance(item, AudioFrame):
            for frame in self._filter.flush() if self._filter is not None else ():
                self._put(self._cutter.cut(frame))
            self._put(self._cutter.rest())
            if item is _Break.END:
                self._queue.end()
        elif self._filter is not None:
            for frame in self._filter.push(item):
                self._put(self._cutter.cut(frame))

    def _put(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            processed = frame if self._processor is None else self._processor.process(frame)
            self._queue.put(AudioFrameEvent(processed))
