"""AudioFilterSession: one stream through a filter plugin."""

from __future__ import annotations

import logging
import operator
import threading
from collections.abc import Callable

from livekit_utils._kernels.plugin import PluginSession
from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.threads import Once, limit_in_seconds, start_thread, try_start_thread
from livekit_utils.filters.description import AudioStreamInfo
from livekit_utils.filters.filter_library import FilterLibrary
from livekit_utils.filters.status import AudioFilterError, AudioFilterState
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

__all__ = ["AudioFilterSession"]

logger = logging.getLogger("livekit_utils")

# A block of 10 ms is at least one sample, and no rate makes it take much memory.
_MIN_RATE = 100
_MAX_RATE = 768_000
_MAX_CHANNELS = 128


@public
class AudioFilterSession:
    """One stream through a filter plugin; made by `AudioFilter.create_session`.

    It starts in a thread, and holds what is pushed until the plugin is ready. If the plugin refuses or exceeds the time
    limit, the session passes audio through bit for bit, says so once in the log, and tells why in `last_error`. Nothing
    is lost and nothing is added: over pushes and then `flush`, as many samples come out as went in, whatever the plugin
    does and however the stream was cut.

    The plugin gets blocks of 10 ms, or of `sample_rate // 100` samples per channel where that is a little less.

    Threads: `push` and `flush` belong to one thread, where the plugin also does its work, without the GIL. Everything
    else may be called from any. The plugin's start and end run in threads of their own.

    Example:
        >>> session = AudioFilter.get("gain").create_session(48000, 1)  # doctest: +SKIP
        >>> await session.wait_ready()                                  # doctest: +SKIP
        >>> session.push(AudioFrame.create(48000, 1, 1000))             # doctest: +SKIP
        [AudioFrame(sample_rate=48000, num_channels=1, samples_per_channel=480, duration=0.010),
         AudioFrame(sample_rate=48000, num_channels=1, samples_per_channel=480, duration=0.010)]
        >>> session.close()                                             # doctest: +SKIP
    """

    _state = AudioFilterState.CLOSED  # of an object that __init__ has refused

    def __init__(
        self,
        library: FilterLibrary,
        sample_rate: int,
        num_channels: int,
        options_json: str,
        stream_info: AudioStreamInfo | None,
        timeout_ms: float,
    ) -> None:
        self._sample_rate = operator.index(sample_rate)
        self._num_channels = operator.index(num_channels)
        if not _MIN_RATE <= self._sample_rate <= _MAX_RATE:
            raise ValueError(f"expected a sample_rate of {_MIN_RATE} to {_MAX_RATE}, got {sample_rate}")
        if not 1 <= self._num_channels <= _MAX_CHANNELS:
            raise ValueError(f"expected 1 to {_MAX_CHANNELS} channels, got {num_channels}")
        self._block = self._sample_rate // 100
        self._stream_info = _checked_info(AudioStreamInfo() if stream_info is None else stream_info)
        self._limit_s = limit_in_seconds(timeout_ms)
        self._library = library
        self._options_json = options_json
        self._queue = SampleQueue(self._num_channels)
        self._session: PluginSession | None = None
        self._last_error: AudioFilterError | None = None
        # Guards the state, and the queue while it is STARTING. Reentrant, because a signal handler may close.
        self._lock = threading.RLock()
        self._ready = Once()
        self._ended = Once()  # there is no session of the plugin any more, and none will come
        library.acquire()
        self._state = AudioFilterState.STARTING
        try:
            start_thread(f"limit the start of {library.module_id!r}", self._limit_start)
            start_thread(f"start {library.module_id!r}", self._start)
        except BaseException:
            self._state = AudioFilterState.CLOSED
            self._ready.set()
            library.release()
            raise

    # -- what the user calls ------------------------------------------------------------------------------------------

    @property
    def sample_rate(self) -> int:
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        return self._num_channels

    @property
    def state(self) -> AudioFilterState:
        return self._state

    @property
    def last_error(self) -> AudioFilterError | None:
        """Why audio is not filtered."""
        return self._last_error

    def push(self, frame: AudioFrame) -> list[AudioFrame]:
        """Takes audio and returns what is ready.

        Args:
            frame: Of the session's rate and channels, of any length; ours or the LiveKit SDK's. Nothing of it is kept
                that the caller could still change.

        Returns:
            `STARTING`: nothing. `ACTIVE`: filtered frames of 10 ms, which own their samples. `BYPASSED`: first what was
            held, in frames of 10 ms and the rest; then every frame as it is, without a copy.

        Raises:
            ValueError: A frame of another rate or channel count; the session stays as it is.
            TypeError: No frame.
            RuntimeError: The session is closed.
        """
        frame = as_audio_frame(frame)
        if frame.sample_rate != self._sample_rate or frame.num_channels != self._num_channels:
            raise ValueError(
                f"expected a frame of {self._sample_rate} Hz and {self._num_channels} channels, "
                f"got {frame.sample_rate} Hz and {frame.num_channels}"
            )
        if self._state is AudioFilterState.STARTING:
            with self._lock:
                if self._state is AudioFilterState.STARTING:
                    self._queue.push(frame)
                    return []
        if self._state is AudioFilterState.BYPASSED:
            return [*self._drain(), frame]
        session = self._active_session()
        self._queue.push(frame)
        return self._filter_blocks(session)

    def flush(self) -> list[AudioFrame]:
        """Ends a stretch of audio: filters what is left, with silence behind it, which is cut off again.

        Returns:
            What was pushed and has not come out; nothing while `STARTING`, when it stays inside.

        Raises:
            RuntimeError: The session is closed.
        """
        if self._state is AudioFilterState.STARTING:
            return []
        if self._state is AudioFilterState.BYPASSED:
            return self._drain()
        session = self._active_session()
        frames = self._filter_blocks(session)
        rest = self._queue.num_frames
        if rest:
            samples = self._queue.pop(rest)
            num_bytes = len(samples)
            samples += bytes((self._block - rest) * 2 * self._num_channels)
            filtered = session.process(samples)
            del filtered[num_bytes:]
            frames.append(self._frame(filtered))
        return frames

    def on_ready(self, callback: Callable[[], object]) -> None:
        """Calls back once, when the state is not `STARTING` any more; here and now if so already.

        The callback is called in whichever thread ends the start; where it raises, that is logged. In an event loop:
        `session.on_ready(lambda: loop.call_soon_threadsafe(...))`, or `wait_ready`.
        """
        self._ready.add(callback)

    async def wait_ready(self) -> None:
        """Returns when the session filters.

        Raises:
            AudioFilterError: It does not; says why, like `last_error`.
            RuntimeError: It is closed.
        """
        await self._ready.happens()
        if self._state is AudioFilterState.CLOSED:
            raise RuntimeError("this AudioFilterSession is closed")
        if self._last_error is not None:
            raise AudioFilterError(str(self._last_error))  # a new one: who raises an error adds its frames to it

    def update_stream_info(self, stream_info: AudioStreamInfo) -> None:
        """Tells the plugin about a change; before it is ready, as soon as it is. The plugin is called in this thread,
        after a `push` that is under way in another.

        Raises:
            TypeError: No AudioStreamInfo.
            RuntimeError: The session is closed.
        """
        _checked_info(stream_info)
        with self._lock:
            if self._state is AudioFilterState.CLOSED:
                raise RuntimeError("this AudioFilterSession is closed")
            self._stream_info = stream_info
            session = self._session
        if session is not None:
            session.update_stream_info(stream_info.to_json())

    def update_credentials(self, url: str, token: str) -> None:
        """Like `AudioFilter.update_credentials`, also when that filter is closed."""
        self._library.update_credentials(url, token)

    def close(self) -> None:
        """Ends the session at once and drops what it holds; the plugin ends its part in a thread. Closing again does
        nothing."""
        if self._state is AudioFilterState.CLOSED:
            return
        with self._lock:
            state, session = self._state, self._session
            self._state, self._session = AudioFilterState.CLOSED, None
            if state is AudioFilterState.STARTING:
                self._queue.clear()
        if session is not None:
            library, ended = self._library, self._ended

            def end() -> None:
                session.destroy()
                library.release_here()
                ended.set()

            try_start_thread(f"end {library.module_id!r}", end)
        elif state is AudioFilterState.BYPASSED:
            self._ended.set()  # if its start still hangs, that was given up before
        self._ready.set()

    async def aclose(self, timeout_ms: float = 5000) -> None:
        """Closes, and waits until the plugin has ended its part; for so long at most, then it says so in the log and
        leaves the plugin to its thread."""
        limit_s = limit_in_seconds(timeout_ms)
        self.close()
        if not await self._ended.happens(limit_s):
            logger.warning(
                "AudioFilterSession: %r has not ended its session within %g ms", self._library.module_id, timeout_ms
            )

    async def __aenter__(self) -> AudioFilterSession:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"AudioFilterSession({self._library.module_id!r}, sample_rate={self._sample_rate}, "
            f"num_channels={self._num_channels}, {self._state})"
        )

    # -- filtering ----------------------------------------------------------------------------------------------------

    def _filter_blocks(self, session: PluginSession) -> list[AudioFrame]:
        queue, block = self._queue, self._block
        frames = []
        while queue.num_frames >= block:
            frames.append(self._frame(session.process(queue.pop(block))))
        return frames

    def _drain(self) -> list[AudioFrame]:
        """What is held, as it is."""
        frames = []
        while num_frames := self._queue.num_frames:
            frames.append(self._frame(self._queue.pop(min(num_frames, self._block))))
        return frames

    def _frame(self, samples: bytearray) -> AudioFrame:
        return AudioFrame(samples, self._sample_rate, self._num_channels, len(samples) // (2 * self._num_channels))

    def _active_session(self) -> PluginSession:
        session = self._session
        if session is None:
            raise RuntimeError("this AudioFilterSession is closed")
        return session

    # -- starting, in a thread ----------------------------------------------------------------------------------------

    def _start(self) -> None:
        active = False
        try:
            self._library.be_ready()
            if self._state is AudioFilterState.STARTING:
                active = self._create()
        except Exception as error:
            self._bypass(str(error) or repr(error))
        if not active:
            self._library.release_here()
            self._ended.set()
        self._ready.set()

    def _create(self) -> bool:
        """Says whether the session is active; one that comes too late is destroyed again."""
        library, info = self._library, self._stream_info
        session = library.plugin.create(self._sample_rate, self._options_json, info.to_json())
        if session is None:
            raise AudioFilterError(f"{library.module_id!r}: audio_filter_create returned NULL")
        try:
            while True:
                with self._lock:
                    if self._state is not AudioFilterState.STARTING:
                        break
                    if self._stream_info is info:
                        self._state, self._session = AudioFilterState.ACTIVE, session
                        return True
                    info = self._stream_info
                session.update_stream_info(info.to_json())
        except BaseException:
            session.destroy()
            raise
        session.destroy()
        return False

    def _limit_start(self) -> None:
        if not self._ready.wait(self._limit_s):
            self._bypass(f"{self._library.module_id!r}: its session did not start within {self._limit_s * 1000:g} ms")

    def _bypass(self, reason: str) -> None:
        with self._lock:
            if self._state is not AudioFilterState.STARTING:
                return
            self._last_error = AudioFilterError(reason)
            self._state = AudioFilterState.BYPASSED
        logger.warning("AudioFilterSession: audio passes unfiltered: %s", reason)
        self._ready.set()


def _checked_info(stream_info: AudioStreamInfo) -> AudioStreamInfo:
    if not isinstance(stream_info, AudioStreamInfo):
        raise TypeError(f"expected an AudioStreamInfo, got {type(stream_info).__name__}")
    return stream_info
