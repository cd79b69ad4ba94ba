"""AudioStream: the audio of a track, as frames in the format that the reader wants.

How it works. The source hands over its audio as it is played. It is converted, filtered, cut into frames of one size
and processed on the spot, and waits in a queue for the reader; no task runs.
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Any, Self

from livekit_utils._arguments import check_int, check_number
from livekit_utils._frame_converter import FrameConverter
from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils._live_queue import LiveQueue
from livekit_utils._processor_guard import ProcessorGuard
from livekit_utils.audio_filter import AudioFilter
from livekit_utils.audio_filter_session import AudioFilterSession
from livekit_utils.audio_filter_state import AudioFilterState
from livekit_utils.audio_frame import AudioFrame
from livekit_utils.audio_frame_event import AudioFrameEvent
from livekit_utils.audio_stream_info import AudioStreamInfo
from livekit_utils.audio_stream_stats import AudioStreamStats
from livekit_utils.local_audio_track import LocalAudioTrack
from livekit_utils.noise_cancellation_options import NoiseCancellationOptions
from livekit_utils.track import Track

__all__ = ["AudioStream"]

logger = logging.getLogger("livekit_utils")

_MAX_FRAME_SIZE_MS = 60_000
_DEFAULT_FRAME_SIZE_MS = 10


class AudioStream:
    """The audio of a track: an async iterator of `AudioFrameEvent`, live from now on.

    Any number of streams may be open on a track; each gets everything, in frames of its own that it may change. What
    is captured comes out whole: the last frame before a break of 40 ms, or before the track ends, is shorter if need
    be. Frames that are queued when the track ends are delivered before the end.

    Args:
        track: What `LocalAudioTrack.create_audio_track` gave.
        loop: Not needed, and not used.
        capacity: Frames that may wait to be read; then the oldest is dropped, counted in `stats`, and said in the log
            once. 0 drops nothing: memory grows if nobody reads.
        sample_rate: Hz, of the frames. Audio of another rate is resampled.
        num_channels: 1 to 128, of the frames. Mono is copied to all channels, many are averaged to mono.
        frame_size_ms: Length of the frames in milliseconds, up to a minute, 10 where it is None.
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
        self._sample_rate = check_int("sample_rate", sample_rate, 1)
        self._num_channels = check_int("num_channels", num_channels, 1, 128)
        self._frame_size = _frame_size(self._sample_rate, frame_size_ms)
        self._track = track
        self._closed = False
        self._converter = FrameConverter(self._sample_rate, self._num_channels)
        # An empty frame says at once whether the source's audio can be converted.
        self._converter.push(AudioFrame.create(track._source.sample_rate, track._source.num_channels, 0))
        self._samples = SampleQueue(self._num_channels)
        self._queue: LiveQueue[AudioFrameEvent] = LiveQueue(check_int("capacity", capacity, 0), repr(self))
        self._auto_close = auto_close_noise_cancellation
        self._processor: ProcessorGuard | None = None
        self._filter: AudioFilterSession | None = None
        self._filter_source: AudioFilter | None = None
        self._awaits_filter = False
        self._missed_rest = self._missed_end = False  # while the filter was starting
        noise: Any = noise_cancellation
        if hasattr(noise, "module_id") and hasattr(noise, "options"):
            self._filter_source = AudioFilter.get(noise.module_id)
            self._filter = self._filter_source.create_session(
                self._sample_rate,
                self._num_channels,
                options=noise.options,
                stream_info=AudioStreamInfo(track_id=track.sid),
            )
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

    def update_stream_info(self, info: AudioStreamInfo | None) -> None:
        """Tells the processor or filter which room and participant the audio belongs to; None for none any more."""
        if self._processor is not None:
            self._processor.update_stream_info(info)
        if self._filter is not None:
            self._filter.update_stream_info(info or AudioStreamInfo(track_id=self._track.sid))

    def update_credentials(self, *, token: str, url: str) -> None:
        """Hands a new access token to the processor, or to the filter's plugin."""
        if self._processor is not None:
            self._processor.update_credentials({"token": token, "url": url})
        if self._filter_source is not None:
            self._filter_source.update_credentials(url, token)

    def clear_credentials(self) -> None:
        """Tells the processor that there is no access token any more."""
        if self._processor is not None:
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
        return await self._queue.get()

    async def aclose(self) -> None:
        """Ends the stream at once, for readers that wait as well; closes its processor and filter. What has not been
        read is dropped. A second call does nothing.
        """
        if self._closed:
            return
        self._closed = True
        self._track._source._fan_out.detach(self)
        self._queue.close()
        if self._processor is not None and self._auto_close:
            self._processor.close()
        if self._filter is not None:
            await self._filter.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return (
            f"AudioStream(track={self._track.name!r}, sample_rate={self._sample_rate}, "
            f"num_channels={self._num_channels}{', closed' if self._closed else ''})"
        )

    # -- what the source calls ----------------------------------------------------------------------------------------

    def _receive(self, frame: AudioFrame) -> None:
        if self._closed:
            return
        if self._track.muted:
            frame = AudioFrame.create(frame.sample_rate, frame.num_channels, frame.samples_per_channel)
        try:
            for converted in self._converter.push(frame):
                self._apply_filter(converted)
        except Exception as error:
            self._fail(error)

    def _rest(self) -> None:
        if self._closed:
            return
        try:
            self._flush()
        except Exception as error:
            self._fail(error)

    def _end(self) -> None:
        self._rest()
        if self._awaits_filter:
            self._missed_end = True
        else:
            self._queue.end()

    # -- from the source to the reader --------------------------------------------------------------------------------

    def _apply_filter(self, frame: AudioFrame) -> None:
        if self._filter is None:
            self._cut(frame)
            return
        for filtered in self._filter.push(frame):
            self._cut(filtered)
        if not self._awaits_filter and self._filter.state is AudioFilterState.STARTING:
            # It keeps the audio until then; more need not come.
            self._awaits_filter = True
            loop = asyncio.get_running_loop()
            self._filter.on_ready(lambda: _call_in(loop, self._on_filter_ready))

    def _on_filter_ready(self) -> None:
        self._awaits_filter = False
        self._receive(AudioFrame.create(self._track._source.sample_rate, self._track._source.num_channels, 0))
        if self._missed_rest:
            self._rest()
        if self._missed_end:
            self._queue.end()

    def _flush(self) -> None:
        """A break: everything goes out that was held back."""
        for converted in self._converter.flush():
            self._apply_filter(converted)
        self._missed_rest = self._awaits_filter
        if self._missed_rest:
            return
        if self._filter is not None:
            for filtered in self._filter.flush():
                self._cut(filtered)
        if self._samples.num_frames:
            self._put(self._samples.num_frames)

    def _cut(self, frame: AudioFrame) -> None:
        self._samples.push(frame)
        while self._samples.num_frames >= self._frame_size:
            self._put(self._frame_size)

    def _put(self, num_samples: int) -> None:
        frame = AudioFrame(self._samples.pop(num_samples), self._sample_rate, self._num_channels, num_samples)
        if self._processor is not None:
            frame = self._processor.process(frame)
        self._queue.put(AudioFrameEvent(frame))

    def _fail(self, error: Exception) -> None:
        """The reader gets what was made before, then this."""
        self._track._source._fan_out.detach(self)
        self._queue.end(error)


def _frame_size(sample_rate: int, frame_size_ms: float | None) -> int:
    size_ms = check_number("frame_size_ms", _DEFAULT_FRAME_SIZE_MS if frame_size_ms is None else frame_size_ms)
    if not 0 < size_ms <= _MAX_FRAME_SIZE_MS:
        raise ValueError(f"expected a frame_size_ms above 0, at most {_MAX_FRAME_SIZE_MS}, got {frame_size_ms}")
    size = int(sample_rate * size_ms / 1000 + 1e-9)
    if size < 1:
        raise ValueError(f"expected a frame_size_ms of at least one sample at {sample_rate} Hz, got {frame_size_ms}")
    return size


def _call_in(loop: asyncio.AbstractEventLoop, callback: Any) -> None:
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        # The loop is closed; the next audio, in the next one, brings what was kept.
        logger.debug("AudioStream: the event loop was closed before the filter was ready")
