"""AudioFilterSession: filters one stream with a plugin."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from livekit_utils._kernels.plugin import PluginSession
from livekit_utils._kernels.sample_queue import SampleQueue
from livekit_utils._runtime.arguments import check_int, check_ms, check_type
from livekit_utils._runtime.calls import Calls
from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.threads import Once, start_thread, try_start_thread
from livekit_utils.filters.description import AudioStreamInfo
from livekit_utils.filters.filter_library import FilterLibrary
from livekit_utils.filters.status import AudioFilterError, AudioFilterState
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame

__all__ = ["AudioFilterSession", "AudioFilterSessionStats"]

logger = logging.getLogger("livekit_utils")

# Range of the sample rate in Hz: a block of 10 ms has at least one sample, and takes little memory.
_MIN_RATE = 100
_MAX_RATE = 768_000
_MAX_CHANNELS = 128


@public
@dataclass(frozen=True, kw_only=True, slots=True)
class AudioFilterSessionStats:
    """Counters of an `AudioFilterSession`.

    If all blocks come back unchanged, the plugin passes everything through: some do without a valid account.
    """

    num_blocks: int
    """Blocks that the plugin has processed, without those that were silence."""
    num_unchanged_blocks: int
    """Blocks among them in which it changed no sample."""


@public
class AudioFilterSession:
    """Filters one stream with a plugin; made by `AudioFilter.create_session`.

    It starts in a thread, and holds the audio that is pushed until the plugin is ready. If the plugin refuses or
    exceeds the time limit, audio passes through bit for bit; that is logged once, and `last_error` gives the reason. No
    sample is lost or added: over all pushes and then `flush`, as many samples come out as went in, for any plugin and
    any lengths of frames.

    The plugin gets blocks of 10 ms, or `sample_rate // 100` samples per channel if that is a little less.

    Threads: `push` and `flush` are for one thread, where the plugin also does its work, without the GIL. All other
    methods may be called in any thread, and do not wait for a `push` in another. The plugin's start and end run in
    threads of their own.

    Example:
        >>> session = AudioFilter.get("gain").create_session(48000, 1)  # doctest: +SKIP
        >>> await session.wait_ready()                                  # doctest: +SKIP
        >>> session.push(AudioFrame.create(48000, 1, 1000))             # doctest: +SKIP
        [AudioFrame(sample_rate=48000, num_channels=1, samples_per_channel=480, duration=0.010),
         AudioFrame(sample_rate=48000, num_channels=1, samples_per_channel=480, duration=0.010)]
        >>> session.close()                                             # doctest: +SKIP
    """

    _state = AudioFilterState.CLOSED  # for `__del__`, if __init__ raises

    def __init__(
        self,
        library: FilterLibrary,
        sample_rate: int,
        num_channels: int,
        options_json: str,
        stream_info: AudioStreamInfo | None,
        timeout_ms: float,
    ) -> None:
        self._sample_rate = check_int("sample_rate", sample_rate, _MIN_RATE, _MAX_RATE)
        self._num_channels = check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
        self._block = self._sample_rate // 100  # samples per channel
        self._stream_info = _checked_info(AudioStreamInfo() if stream_info is None else stream_info)
        self._limit_s = check_ms("timeout_ms", timeout_ms, above=True) / 1000
        self._library = library
        self._options_json = options_json
        self._queue = SampleQueue(self._num_channels)
        self._num_blocks = self._num_unchanged_blocks = 0
        self._refused = False  # the plugin has answered, and made no session
        self._retrying = False  # a thread asks a plugin again that has refused
        self._session: PluginSession | None = None
        self._last_error: AudioFilterError | None = None
        self._calls = Calls()  # of the plugin's session
        # Guards the state, and the queue while it is STARTING. It is reentrant because a signal handler may close.
        self._lock = threading.RLock()
        self._ready = Once()
        self._ended = Once()  # the plugin has no session any more, and will get none
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
        """Samples per second and channel of the frames."""
        return self._sample_rate

    @property
    def num_channels(self) -> int:
        """Channels of the frames."""
        return self._num_channels

    @property
    def state(self) -> AudioFilterState:
        """Whether it filters now."""
        return self._state

    @property
    def last_error(self) -> AudioFilterError | None:
        """The reason why audio is not filtered."""
        return self._last_error

    def stats(self) -> AudioFilterSessionStats:
        """Returns the counters of the session."""
        return AudioFilterSessionStats(num_blocks=self._num_blocks, num_unchanged_blocks=self._num_unchanged_blocks)

    def push(self, frame: AudioFrame) -> list[AudioFrame]:
        """Takes audio, and returns the audio that is ready.

        Args:
            frame: An AudioFrame of this package or of the LiveKit SDK, of the session's sample rate and number of
                channels, of any length. Its memory may be used again when this returns.

        Returns:
            `STARTING`: nothing. `ACTIVE`: filtered frames of 10 ms, which own their samples. `BYPASSED`: first the
            audio that was held, in frames of 10 ms and the rest; then every frame as it is, without a copy.

        Raises:
            ValueError: A frame of another sample rate or number of channels; the session stays as it is.
            TypeError: Not a frame.
            RuntimeError: The session is closed.
        """
        frame = as_audio_frame(frame)
        if frame.sample_rate != self._sample_rate or frame.num_channels != self._num_channels:
            raise ValueError(
                f"frame: expected {self._sample_rate} Hz and {self._num_channels} channels, "
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
        """Filters the samples that are left, with silence behind them, which is cut off again.

        Returns:
            The audio that was pushed and has not come out; nothing while `STARTING`: it is held.

        Raises:
            RuntimeError: The session is closed.
        """
        if self._state is AudioFilterState.STARTING:
            return []
        if self._state is AudioFilterState.BYPASSED:
            return self._drain()
        session = self._active_session()
        frames = self._filter_blocks(session)
        rest = self._queue.samples_per_channel
        if rest:
            samples = self._queue.pop(rest)
            num_bytes = len(samples)
            samples += bytes((self._block - rest) * 2 * self._num_channels)
            with self._calls:
                filtered = self._process(session, samples)
            del filtered[num_bytes:]
            frames.append(self._frame(filtered))
        return frames

    def on_ready(self, callback: Callable[[], object]) -> None:
        """Calls back once: when the state is not `STARTING` any more, or at once if so already.

        The callback is called in the thread that ends the start; if it raises, that is logged. In an event loop, use
        `session.on_ready(lambda: loop.call_soon_threadsafe(...))` or `wait_ready`.
        """
        self._ready.add(callback)

    async def wait_ready(self) -> None:
        """Returns when the session filters.

        Raises:
            AudioFilterError: The session does not filter; the message is that of `last_error`.
            RuntimeError: The session is closed.
        """
        await self._ready.happens()
        if self._state is AudioFilterState.CLOSED:
            raise RuntimeError("this AudioFilterSession is closed")
        if self._last_error is not None:
            raise AudioFilterError(str(self._last_error))  # a new one: each raise extends the traceback

    def update_stream_info(self, stream_info: AudioStreamInfo) -> None:
        """Tells the plugin about a change of the stream: in this thread; or if a `push` is under way in another, in
        that one; or before the plugin is ready, as soon as it is. A plugin that refused to make a session is asked
        again, in a thread; the state becomes `ACTIVE` if it agrees.

        Raises:
            TypeError: Not an AudioStreamInfo.
            RuntimeError: The session is closed.
        """
        _checked_info(stream_info)
        with self._lock:
            if self._state is AudioFilterState.CLOSED:
                raise RuntimeError("this AudioFilterSession is closed")
            self._stream_info = stream_info
            session = self._session
            # A plugin whose start still hangs is not asked again.
            retries = self._state is AudioFilterState.BYPASSED and self._refused and not self._retrying
            retries = retries and self._library.acquire_if_loaded()
            if retries:
                self._retrying, self._ended = True, Once()
        if session is not None:
            text = self._library.described(stream_info)
            self._calls.when_none(lambda: _tell(session, text))
        elif retries:
            try:
                start_thread(f"start {self._library.module_id!r} again", self._retry)
            except BaseException:
                self._retrying = False
                self._ended.set()
                self._library.release()
                raise

    def update_credentials(self, url: str, token: str) -> None:
        """Does what `AudioFilter.update_credentials` does, also after that filter was closed."""
        self._library.update_credentials(url, token)

    def close(self) -> None:
        """Ends the session at once and drops the audio that it holds; the plugin ends its part in a thread. A second
        call does nothing."""
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
        elif state is AudioFilterState.BYPASSED and not self._retrying:
            self._ended.set()  # a start that still hangs was given up before
        self._ready.set()

    async def aclose(self, timeout_ms: float = 5000) -> None:
        """Closes, and waits until the plugin has ended its part, or the time is over; that is logged.

        Args:
            timeout_ms: Time limit in milliseconds, above 0. A plugin that exceeds it is left to its thread.
        """
        timeout_ms = check_ms("timeout_ms", timeout_ms, above=True)
        self.close()
        if not await self._ended.happens(timeout_ms / 1000):
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
        with self._calls:
            while queue.samples_per_channel >= block:
                frames.append(self._frame(self._process(session, queue.pop(block))))
        return frames

    def _process(self, session: PluginSession, samples: bytearray) -> bytearray:
        filtered = session.process(samples)
        if filtered != samples:
            self._num_blocks += 1
        elif any(samples):
            self._num_blocks += 1
            self._num_unchanged_blocks += 1
        return filtered

    def _drain(self) -> list[AudioFrame]:
        """Returns the audio that is held, unfiltered."""
        frames = []
        while num_frames := self._queue.samples_per_channel:
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
        active, ended = False, self._ended
        try:
            self._library.be_ready()
            if self._state is AudioFilterState.STARTING:
                active = self._create(AudioFilterState.STARTING)
        except Exception as error:
            self._refused = True
            self._bypass(str(error) or repr(error))
        if not active:
            self._library.release_here()
            ended.set()
        self._ready.set()

    def _retry(self) -> None:
        """Asks a plugin again that has refused, until it agrees, or nothing has changed since."""
        active, ended = False, self._ended
        again = True
        while again:
            info = self._stream_info
            try:
                self._library.tell_credentials()
                active = self._create(AudioFilterState.BYPASSED)
            except Exception as error:
                with self._lock:
                    self._last_error = AudioFilterError(str(error) or repr(error))
            with self._lock:
                again = not active and self._state is AudioFilterState.BYPASSED and self._stream_info is not info
                self._retrying = again
        if active:
            logger.info("AudioFilterSession: %r filters now", self._library.module_id)
        else:
            self._library.release_here()
            ended.set()

    def _create(self, before: AudioFilterState) -> bool:
        """Returns whether the session is active; one that comes too late is destroyed again."""
        library, info = self._library, self._stream_info
        session = library.plugin.create(self._sample_rate, self._options_json, library.described(info))
        if session is None:
            raise AudioFilterError(f"{library.module_id!r}: audio_filter_create returned NULL")
        try:
            while True:
                with self._lock:
                    if self._state is not before:
                        break
                    if self._stream_info is info:
                        # The session first: `push` looks at the state without the lock.
                        self._session, self._last_error = session, None
                        self._state = AudioFilterState.ACTIVE
                        return True
                    info = self._stream_info
                session.update_stream_info(library.described(info))
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


def _tell(session: PluginSession, stream_info: str) -> None:
    with contextlib.suppress(RuntimeError):  # closed in the meantime
        session.update_stream_info(stream_info)


def _checked_info(stream_info: AudioStreamInfo) -> AudioStreamInfo:
    check_type("stream_info", stream_info, AudioStreamInfo, "an")
    return stream_info
