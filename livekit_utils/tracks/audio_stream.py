"""AudioStream: the audio of a track, as frames in the format that the reader wants.

How it works. The source hands over its audio as it is played. It is converted, filtered, cut into frames of one size
and processed on the spot, and waits in a queue for the reader; no task runs.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple, Self

from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils._runtime.arguments import check_int, check_number
from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.queues import LiveQueue
from livekit_utils.conversion.frame_converter import FrameConverter
from livekit_utils.filters.audio_filter import AudioFilter
from livekit_utils.filters.audio_filter_session import AudioFilterSession
from livekit_utils.filters.description import AudioStreamInfo, NoiseCancellationOptions
from livekit_utils.filters.processor_guard import ProcessorGuard
from livekit_utils.frames.audio_frame import AudioFrame, copy_audio_frame
from livekit_utils.tracks.events import AudioFrameEvent
from livekit_utils.tracks.track import LocalAudioTrack, Track

__all__ = ["AudioStream", "AudioStreamStats"]


@public
class AudioStreamStats(NamedTuple):
    """What a stream has done and holds."""

    frames: int
    """Frames made for the reader, those that were dropped included."""
    dropped_frames: int
    """Frames that the reader was too slow for."""
    queued_frames: int
    """Frames that wait to be read."""
    processor_failures: int
    """Frames that passed unprocessed because the processor failed."""


_MAX_FRAME_SIZE_MS = 60_000
_DEFAULT_FRAME_SIZE_MS = 10


@public
class AudioStream(AsyncClosing):
    """The audio of a track: an async iterator of `AudioFrameEvent`, live from now on.

    Any number of streams may be open on a track; each gets everything, in frames of its own that it may change. What is
    captured comes out whole, and what is queued when the track ends is delivered before the end. Where less than a
    frame is left before a break of 40 ms or more, or at the end of the track, the frame is shorter, or if
    `frame_size_ms` is given, filled up with silence.

    Args:
        track: What `LocalAudioTrack.create_audio_track` gave.
        loop: Not needed, and not used.
        capacity: Frames that may wait to be read; then the oldest is dropped, counted in `stats`, and said in the log
            once. 0 drops nothing: memory grows if nobody reads.
        sample_rate: Hz, of the frames. Audio of another rate is resampled.
        num_channels: 1 to 128, of the frames. Mono is copied to all channels, many are averaged to mono.
        frame_size_ms: Length of every frame in milliseconds, up to a minute. None means 10, except before breaks.
        noise_cancellation: A `FrameProcessor` (ours, the LiveKit SDK's, or any object with `enabled` and `_process`)
            that each frame goes through, or `NoiseCancellationOptions` for an `AudioFilter` that is loaded. Without a
            working processor or filter, audio passes as it is: `stats` and `filter` say so.
        auto_close_noise_cancellation: Whether `aclose` closes the processor. Without it, whoever made it does.

    Raises:
        ValueError: Something is out of range, the track's audio cannot be converted to this, or no filter of that name
            is loaded.
        TypeError: Not an audio track of this package, or something else of the wrong kind.

    Threads: read in one event loop at a time, which may be another than the source's. Conversion and processing are
    done in the source's. It may be made outside of a loop.

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
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: float | None = None,
        noise_cancellation: NoiseCancellationOptions | Any | None = None,
        auto_close_noise_cancellation: bool = True,
    ) -> None:
        if not isinstance(track, LocalAudioTrack):
            raise TypeError(f"expected an audio track of livekit_utils, got {track!r}")
        self._sample_rate = check_int("sample_rate", sample_rate, 100)
        self._num_channels = check_int("num_channels", num_channels, 1, 128)
        self._frame_size = _frame_size(self._sample_rate, frame_size_ms)
        self._pads = frame_size_ms is not None
        self._track = track
        self._closed = False
        # The source may play in another thread than the one that reads and closes.
        self._lock = threading.RLock()
        self._converter = FrameConverter(self._sample_rate, self._num_channels)
        # An empty frame says at once whether the source's audio can be converted.
        self._converter.push(AudioFrame.create(track._source.sample_rate, track._source.num_channels, 0))
        self._samples = SampleQueue(self._num_channels)
        self._queue: LiveQueue[AudioFrameEvent] = LiveQueue(check_int("capacity", capacity, 0), repr(self))
        self._auto_close = auto_close_noise_cancellation
        self._processor: ProcessorGuard | None = None
        self._filter: AudioFilterSession | None = None
        self._resting = True  # nothing has come for a while
        self._ending = False
        # What came while the filter started, or caught up with that, in its thread; None when it is in step.
        self._held: list[AudioFrame] | None = None
        noise: Any = noise_cancellation
        if hasattr(noise, "module_id") and hasattr(noise, "options"):
            self._filter = AudioFilter.get(noise.module_id).create_session(
                self._sample_rate,
                self._num_channels,
                options=noise.options,
                stream_info=AudioStreamInfo(track_id=track.sid),
            )
            self._held = []
            self._filter.on_ready(_unless_gone(self._on_filter_ready))
        elif noise is not None:
            self._processor = ProcessorGuard(noise)
        track._source._fan_out.attach(self)

    @classmethod
    def from_track(
        cls,
        *,
        track: Track,
        loop: asyncio.AbstractEventLoop | None = None,
        capacity: int = 0,
        sample_rate: int = 48000,
        num_channels: int = 1,
        frame_size_ms: float | None = None,
        noise_cancellation: NoiseCancellationOptions | Any | None = None,
        auto_close_noise_cancellation: bool = False,
    ) -> Self:
        """The same by keywords, except that it does not close the processor unless it is told to."""
        return cls(
            track,
            loop,
            capacity,
            sample_rate,
            num_channels,
            frame_size_ms,
            noise_cancellation,
            auto_close_noise_cancellation,
        )

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def filter(self) -> AudioFilterSession | None:
        """The session of the `AudioFilter`, where one was asked for: its `state`, and `last_error` if it does not
        work. `await stream.filter.wait_ready()` raises that error."""
        return self._filter

    @property
    def resting(self) -> bool:
        """Whether the source is paused, or has had nothing to play, for a while; and until it begins."""
        return self._resting

    def update_stream_info(self, info: AudioStreamInfo | None) -> None:
        """Tells the processor or filter which room and participant the audio belongs to; None for none any more. After
        `aclose`, nothing happens."""
        if self._closed:
            return
        if self._processor is not None:
            self._processor.update_stream_info(info)
        if self._filter is not None:
            self._filter.update_stream_info(info or AudioStreamInfo(track_id=self._track.sid))

    def update_credentials(self, *, token: str, url: str) -> None:
        """Hands a new access token to the processor, or to the filter's plugin. After `aclose`, nothing happens."""
        if self._closed:
            return
        if self._processor is not None:
            self._processor.update_credentials({"token": token, "url": url})
        if self._filter is not None:
            self._filter.update_credentials(url, token)

    def clear_credentials(self) -> None:
        """Tells the processor that there is no access token any more."""
        if self._processor is not None and not self._closed:
            self._processor.update_credentials(None)

    def stats(self) -> AudioStreamStats:
        """What the stream has done and holds."""
        return AudioStreamStats(
            frames=self._queue.num_put,
            dropped_frames=self._queue.num_dropped,
            queued_frames=len(self._queue),
            processor_failures=self._processor.failures if self._processor is not None else 0,
        )

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AudioFrameEvent:
        if len(self._queue):
            return await self._queue.get()
        fan_out = self._track._source._fan_out
        held = fan_out.hold(self)
        try:
            return await self._queue.get()
        finally:
            fan_out.let_go(held)

    async def aclose(self) -> None:
        """Ends the stream at once, for readers that wait as well; closes its processor and filter. What has not been
        read is dropped. A second call does nothing.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._track._source._fan_out.detach(self)
            self._queue.close()
            if self._processor is not None and self._auto_close:
                self._processor.close()
        if self._filter is not None:
            await self._filter.aclose()

    def __repr__(self) -> str:
        return (
            f"AudioStream(track={self._track.name!r}, sample_rate={self._sample_rate}, "
            f"num_channels={self._num_channels}{', closed' if self._closed else ''})"
        )

    # -- from the source to the reader --------------------------------------------------------------------------------

    def _receive(self, frame: AudioFrame) -> None:
        if self._track.muted:
            frame = AudioFrame.create(frame.sample_rate, frame.num_channels, frame.samples_per_channel)
        with self._lock:
            self._resting = False
            self._guarded(lambda: self._convert(frame))

    def _rest(self) -> None:
        with self._lock:
            self._resting = True
            self._guarded(self._flush)

    def _end(self) -> None:
        with self._lock:
            self._ending = True
            self._guarded(self._flush)

    def _on_filter_ready(self) -> None:
        """Comes in a thread of the filter. There it catches up: the event loop that brought the audio may be gone, and
        where it is not, it must not wait until seconds of it are filtered."""
        while self._catch_up():
            pass

    def _catch_up(self) -> bool:
        """Filters what is held, without the lock; says whether there was something."""
        with self._lock:
            held, self._held = self._held or [], []
            if not held or self._closed:
                self._held = None  # from here on it is in step
                if self._resting or self._ending:
                    self._guarded(self._flush)
                return False
        self._guarded(lambda: self._filter_held(held))
        return True

    def _guarded(self, step: Callable[[], None]) -> None:
        if self._closed:
            return
        try:
            step()
        except Exception as error:
            # The reader gets what was made before, then this.
            self._track._source._fan_out.detach(self)
            self._queue.end(error)

    def _convert(self, frame: AudioFrame) -> None:
        for converted in self._converter.push(frame):
            self._apply_filter(converted)

    def _filter_held(self, frames: list[AudioFrame]) -> None:
        assert self._filter is not None
        for frame in frames:
            filtered = self._filter.push(frame)
            with self._lock:
                self._collect(filtered)

    def _apply_filter(self, frame: AudioFrame) -> None:
        if self._held is not None:
            self._held.append(copy_audio_frame(frame))
        else:
            self._collect([frame] if self._filter is None else self._filter.push(frame))

    def _collect(self, frames: list[AudioFrame]) -> None:
        for frame in frames:
            self._samples.push(frame)
            while self._samples.num_frames >= self._frame_size:
                self._put(self._frame_size)

    def _flush(self) -> None:
        """A break, or the end: everything goes out that was held back for the sake of what follows."""
        for converted in self._converter.flush():
            self._apply_filter(converted)
        if self._held is not None:
            return  # the filter comes back here
        if self._filter is not None:
            self._collect(self._filter.flush())
        while self._samples.num_frames:
            self._put(min(self._samples.num_frames, self._frame_size))
        if self._ending:
            self._queue.end()

    def _put(self, num_samples: int) -> None:
        samples = self._samples.pop(num_samples)
        if self._pads and num_samples < self._frame_size:
            samples += bytes(2 * self._num_channels * (self._frame_size - num_samples))
            num_samples = self._frame_size
        frame = AudioFrame(samples, self._sample_rate, self._num_channels, num_samples)
        if self._processor is not None:
            frame = self._processor.process(frame)
        self._queue.put(AudioFrameEvent(frame))


def _frame_size(sample_rate: int, frame_size_ms: float | None) -> int:
    size_ms = check_number("frame_size_ms", _DEFAULT_FRAME_SIZE_MS if frame_size_ms is None else frame_size_ms)
    if not 0 < size_ms <= _MAX_FRAME_SIZE_MS:
        raise ValueError(f"expected a frame_size_ms above 0, at most {_MAX_FRAME_SIZE_MS}, got {frame_size_ms}")
    size = int(sample_rate * size_ms / 1000 + 1e-9)
    if size < 1:
        raise ValueError(f"expected a frame_size_ms of at least one sample at {sample_rate} Hz, got {frame_size_ms}")
    return size


def _unless_gone(method: Callable[[], None]) -> Callable[[], None]:
    """A callback that does not keep alive whose method it calls."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound()

    return call
