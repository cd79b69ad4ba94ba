"""AudioFilter: a plugin that filters audio, and the register of those that are open."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Sequence
from typing import Any

from livekit_utils._runtime.arguments import check_ms, check_type
from livekit_utils._runtime.lifecycle import Closing
from livekit_utils._runtime.public_path import public
from livekit_utils.filters.audio_filter_session import AudioFilterSession
from livekit_utils.filters.description import AudioStreamInfo, options_json
from livekit_utils.filters.filter_library import LOCK, FilterLibrary
from livekit_utils.filters.status import AudioFilterError, AudioFilterLoadState
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, combine_audio_frames

__all__ = ["AudioFilter"]


# The open filters of each id, in the order in which they were opened; guarded by LOCK.
_OPEN: dict[str, list[AudioFilter]] = {}


@public
class AudioFilter(Closing):
    """Loads a plugin that filters audio: a shared library with LiveKit's C interface (`livekit_audio_filter.h`, in the
    directory that `get_include` returns).

    An open filter is registered under its `module_id` for the whole process until `close`, so the object need not be
    kept: `AudioFilter.get` finds it. `NoiseCancellationOptions(module_id, options)` filters a stream, `process` a frame
    or a file, `create_session` anything else. If the same id and file are opened again, the two filters share the
    loaded library, and each is closed by itself. Sessions go on after `close`: the library is unloaded when the last
    one has ended.

    Args:
        module_id: Identifier, unique among the open filters.
        path: Path of the library.
        dependencies: Libraries to load before it, in this order. A bare name that is no file here is searched for by
            the system. The plugin finds them if it was linked with them. Filters that share a library share the
            dependencies of the first.
        timeout_ms: Time limit for the loading in milliseconds, above 0. A library that is loaded later is unloaded
            again.

    Raises:
        FileNotFoundError: The file does not exist.
        IsADirectoryError: The path is a directory.
        AudioFilterError: The file is not a library for this system, lacks functions (all are named), needs something
            that is missing, a dependency does not load, or the loading took too long.
        ValueError: The id is open with another file, or an argument is out of range.
        TypeError: An argument of another type.

    Threads: any. The constructor blocks its thread while the library loads: use `load` in an event loop. Limit: while
    the initialiser of a library hangs, no other shared library (including compiled Python modules) can be loaded in
    this process; no time limit can prevent that.

    Example:
        >>> AudioFilter("gain", "no/such/plugin.so")
        Traceback (most recent call last):
          ...
        FileNotFoundError: [Errno 2] No such file or directory: 'no/such/plugin.so'
        >>> with AudioFilter("gain", "gain.so") as gain:                        # doctest: +SKIP
        ...     quiet = gain.process(frame, options={"gain": 0.5})
        ...     rest = gain.flush()
    """

    def __init__(
        self,
        module_id: str,
        path: str | os.PathLike[str],
        dependencies: Sequence[str | os.PathLike[str]] | None = None,
        *,
        timeout_ms: float = 5000,
    ) -> None:
        timeout_ms = check_ms("timeout_ms", timeout_ms, above=True)
        library = _open(module_id, path, dependencies)
        try:
            library.loaded.wait(timeout_ms / 1000)
            self._attach(library, timeout_ms)
        except BaseException:
            library.close()
            raise

    @classmethod
    async def load(
        cls,
        module_id: str,
        path: str | os.PathLike[str],
        dependencies: Sequence[str | os.PathLike[str]] | None = None,
        *,
        timeout_ms: float = 5000,
    ) -> AudioFilter:
        """Opens a filter like the constructor, without blocking the event loop. A cancelled load leaves nothing
        behind."""
        timeout_ms = check_ms("timeout_ms", timeout_ms, above=True)
        library = _open(module_id, path, dependencies)
        try:
            await library.loaded.happens(timeout_ms / 1000)
            opened = cls.__new__(cls)
            opened._attach(library, timeout_ms)
        except BaseException:
            library.close()
            raise
        return opened

    @staticmethod
    def get(module_id: str) -> AudioFilter:
        """Returns the open filter of this id; of several, the one that was opened first.

        Raises:
            ValueError: There is none; the message names those that there are.
            TypeError: `module_id` is not a str.

        Example:
            >>> AudioFilter.get("gain")  # doctest: +ELLIPSIS
            Traceback (most recent call last):
              ...
            ValueError: module_id: expected that of a loaded AudioFilter (none is loaded), got 'gain'; ...
        """
        check_type("module_id", module_id, str)
        with LOCK:
            if module_id in _OPEN:
                return _OPEN[module_id][0]
            names = ", ".join(map(repr, sorted(_OPEN)))
        raise ValueError(
            f"module_id: expected that of a loaded AudioFilter ({names or 'none is loaded'}), got {module_id!r}; "
            "for options o of a plugin of LiveKit, such as noise_cancellation.BVC(), first call "
            "AudioFilter.load(o.module_id, plugin_path()), with the plugin_path of that plugin"
        )

    def _attach(self, library: FilterLibrary, timeout_ms: float) -> None:
        if not library.loaded.happened:
            raise AudioFilterError(f"{library.module_id!r}: {library.path} did not load within {timeout_ms:g} ms")
        if library.failure is not None:
            raise AudioFilterError(library.failure)
        self._library = library
        self._timeout_ms = timeout_ms
        self._offline: AudioFilterSession | None = None
        self._offline_lock = threading.Lock()  # one `process` or `flush` at a time; no other method takes it
        with LOCK:
            _OPEN.setdefault(library.module_id, []).append(self)

    # -- properties ------------------------------------------------------------------------------------------

    @property
    def module_id(self) -> str:
        """The name under which `get` and `NoiseCancellationOptions` find it."""
        return self._library.module_id

    @property
    def path(self) -> str:
        """The absolute path of the library."""
        return self._library.path

    @property
    def state(self) -> AudioFilterLoadState:
        """How far the filter has come."""
        if self._closed:
            return AudioFilterLoadState.CLOSED
        if self._library.ready:
            return AudioFilterLoadState.READY
        return AudioFilterLoadState.LOADED if self._library.refusal is None else AudioFilterLoadState.FAILED

    @property
    def last_error(self) -> AudioFilterError | None:
        """The plugin's last refusal to be used; None if it has not refused."""
        return self._library.refusal

    # -- sessions -----------------------------------------------------------------------------------------------------

    def create_session(
        self,
        sample_rate: int,
        num_channels: int,
        *,
        options: dict[str, Any] | None = None,
        stream_info: AudioStreamInfo | None = None,
        timeout_ms: float = 5000,
    ) -> AudioFilterSession:
        """Makes a session, which filters one stream. Returns at once; the session starts in a thread.

        Args:
            sample_rate: Sample rate in Hz, 100 to 768000.
            num_channels: Number of channels, 1 to 128. Plugins are not told; one that needs it takes it from its
                options.
            options: Options for the plugin, which JSON can express.
            stream_info: Description of the stream for the plugin. Without a URL it gets that of `update_credentials`.
            timeout_ms: Time limit for the start in milliseconds, above 0; after it, audio passes unfiltered.

        Raises:
            ValueError: An argument is out of range, or options that JSON cannot express (NaN).
            TypeError: An argument of another type, or options that JSON cannot express (a set).
            RuntimeError: The filter is closed.
        """
        text = options_json(options)
        library = self._acquire()
        try:
            return AudioFilterSession(library, sample_rate, num_channels, text, stream_info, timeout_ms)
        finally:
            library.release()

    def update_credentials(self, url: str, token: str) -> None:
        """Hands new credentials to the plugin: now if it is ready (in a thread; if they come fast, the newest ones),
        otherwise when it is first used.

        Raises:
            TypeError: An argument that is not a str.
            ValueError: Text with a NUL, or that is not valid Unicode.
            RuntimeError: The filter is closed.
        """
        library = self._acquire()
        try:
            library.update_credentials(url, token)
        finally:
            library.release()

    def _acquire(self) -> FilterLibrary:
        """Returns the library, which cannot be unloaded before it is released."""
        with LOCK:
            self._check_open()
            return self._library.acquire()

    # -- without a stream ---------------------------------------------------------------------------------------------

    def process(
        self,
        frame: AudioFrame,
        *,
        options: dict[str, Any] | None = None,
        stream_info: AudioStreamInfo | None = None,
    ) -> AudioFrame:
        """Filters a frame, or the next one of a series of frames, which `flush` ends.

        The plugin gets blocks of 10 ms. Samples that do not fill one are kept for the next call: over all calls and
        `flush`, exactly as many samples come out as went in.

        Args:
            frame: An AudioFrame of this package or of the LiveKit SDK, of any length. All frames until `flush` have the
                same sample rate and number of channels.
            options: Options for the plugin; those of the first frame are used until `flush`.
            stream_info: Description of the stream for the plugin; that of the first frame is used until `flush`.
                Without a URL it gets that of `update_credentials`.

        Returns:
            A new frame with the samples that are ready; it may be empty.

        Raises:
            AudioFilterError: The plugin refuses, or its session does not start within the filter's `timeout_ms`.
            ValueError: Another sample rate or number of channels than before, or options that JSON cannot express.
            TypeError: Not a frame, or options that are not a dict or that JSON cannot express.
            RuntimeError: The filter is closed.

        Threads: any, one call after another. The first frame blocks its thread until the plugin is ready. In an event
        loop, use `asyncio.to_thread` or a session.
        """
        frame = as_audio_frame(frame)
        text = options_json(options)
        if stream_info is not None:
            check_type("stream_info", stream_info, AudioStreamInfo, "an")
        with self._offline_lock:
            session = self._offline
            if session is None:
                session = self._start_offline(frame, text, stream_info)
            return _combine(session.push(frame), frame.sample_rate, frame.num_channels)

    def flush(self) -> AudioFrame | None:
        """Ends a series of frames given to `process`, and returns the samples that are left; None if none are. The next
        frame begins a new series, with a new session.

        Raises:
            RuntimeError: The filter is closed.
        """
        with self._offline_lock:
            self._check_open()
            session, self._offline = self._offline, None
            if session is None:
                return None
            try:
                frames = session.flush()
            finally:
                session.close()
            return combine_audio_frames(frames) if frames else None

    def _start_offline(self, frame: AudioFrame, text: str, info: AudioStreamInfo | None) -> AudioFilterSession:
        library = self._acquire()
        try:
            session = AudioFilterSession(library, frame.sample_rate, frame.num_channels, text, info, self._timeout_ms)
        finally:
            library.release()
        ready = threading.Event()
        session.on_ready(ready.set)
        try:
            with LOCK:
                self._check_open()
                self._offline = session  # from here on `close` ends it
            ready.wait()
            if session.last_error is not None:
                raise AudioFilterError(str(session.last_error))
        except BaseException:
            self._offline = None
            session.close()
            raise
        return session

    # -- the end ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Unregisters the filter and ends its series of frames, without waiting. A second call does nothing."""
        with LOCK:
            if self._closed:
                return
            self._closed = True
            filters = _OPEN[self.module_id]
            filters.remove(self)
            if not filters:
                del _OPEN[self.module_id]
            session, self._offline = self._offline, None
        if session is not None:
            session.close()
        self._library.close()

    def __enter__(self) -> AudioFilter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AudioFilter({self.module_id!r}, {self.path!r}, {self.state})"


def _open(
    module_id: str, path: str | os.PathLike[str], dependencies: Sequence[str | os.PathLike[str]] | None
) -> FilterLibrary:
    """Opens a library, after all checks that are possible without loading it."""
    check_type("module_id", module_id, str)
    if isinstance(dependencies, (str, bytes, os.PathLike)):
        raise TypeError(f"dependencies: expected a list of paths, got a {type(dependencies).__name__}")
    given = _as_path("path", path)
    mode = os.stat(given).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), given)
    if not stat.S_ISREG(mode):
        raise AudioFilterError(f"{module_id!r}: {given} is not a regular file")  # a pipe would hang the system's loader
    return FilterLibrary.open(module_id, _absolute(given), [_as_library_name(item) for item in dependencies or ()])


def _as_path(name: str, path: str | os.PathLike[str]) -> str:
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise TypeError(f"{name}: expected a str or a path, got {type(text).__name__}")
    return text


def _as_library_name(path: str | os.PathLike[str]) -> str:
    text = _as_path("dependencies", path)
    return _absolute(text) if os.path.dirname(text) or os.path.exists(text) else text


def _absolute(path: str) -> str:
    if os.name == "nt":
        return os.path.abspath(path)  # its loader takes normalised paths with backslashes only
    # Not normalised: a file beside a link may not be beside its target.
    return os.path.join(os.getcwd(), path)


def _combine(frames: list[AudioFrame], sample_rate: int, num_channels: int) -> AudioFrame:
    return combine_audio_frames(frames) if frames else AudioFrame.create(sample_rate, num_channels, 0)
