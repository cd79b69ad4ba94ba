"""AudioFilter: a plugin that filters audio."""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections.abc import Sequence
from typing import Any

from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.threads import limit_in_seconds
from livekit_utils.filters.audio_filter_session import AudioFilterSession
from livekit_utils.filters.description import AudioStreamInfo, options_json
from livekit_utils.filters.filter_library import LOCK, FilterLibrary, find
from livekit_utils.filters.status import AudioFilterError, AudioFilterLoadState
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, combine_audio_frames

__all__ = ["AudioFilter"]


@public
class AudioFilter:
    """A plugin that filters audio: a shared library with LiveKit's C interface (`livekit_audio_filter.h`, in the
    directory that `get_include` names).

    An open filter is registered under its `module_id` for the whole process, until `close`; keeping the object is not
    needed, `AudioFilter.get` finds it. `NoiseCancellationOptions(module_id, options)` puts a stream through it,
    `process` a frame or a file, `create_session` anything else. The same id and file opened again share the loaded
    library; each of the two is closed by itself. Sessions go on after `close`: the library is unloaded when the last
    one has ended.

    Args:
        module_id: Unique among the open filters.
        path: Of the library.
        dependencies: Libraries to be loaded before it, in this order; a bare name that is no file here is searched for
            by the system. The plugin finds them if it was linked with them. Of those who share a library the first
            one's count.
        timeout_ms: How long the loading may take, above 0. What comes later is unloaded again.

    Raises:
        FileNotFoundError: There is no such file.
        IsADirectoryError: It is a directory.
        AudioFilterError: It is no library for this system, lacks functions (all are named), needs something that is
            missing, a dependency does not load, or the loading took too long.
        ValueError: The id is open with another file, or something is out of range.
        TypeError: Arguments of another kind.

    Threads: any. The constructor holds up its thread while the library loads: in an event loop use `load`. A library
    whose initialiser hangs keeps the system from loading any other one in this process, compiled Python modules
    included; no time limit helps against that.

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
        limit_s = limit_in_seconds(timeout_ms)
        library = _open(module_id, path, dependencies)
        try:
            library.loaded.wait(limit_s)
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
        """The same as the constructor, without holding up the event loop. A cancelled load leaves nothing behind."""
        limit_s = limit_in_seconds(timeout_ms)
        library = _open(module_id, path, dependencies)
        try:
            await library.loaded.happens(limit_s)
            opened = cls.__new__(cls)
            opened._attach(library, timeout_ms)
        except BaseException:
            library.close()
            raise
        return opened

    @staticmethod
    def get(module_id: str) -> AudioFilter:
        """The open filter of this id; of several the one opened first.

        Raises:
            ValueError: There is none; names those that there are.

        Example:
            >>> AudioFilter.get("gain")
            Traceback (most recent call last):
              ...
            ValueError: expected the module_id of a loaded AudioFilter (none is loaded), got 'gain'
        """
        return find(module_id)

    def _attach(self, library: FilterLibrary, timeout_ms: float) -> None:
        if not library.loaded.happened:
            raise AudioFilterError(f"{library.module_id!r}: {library.path} did not load within {timeout_ms:g} ms")
        if library.failure is not None:
            raise AudioFilterError(library.failure)
        self._library = library
        self._timeout_ms = timeout_ms
        self._closed = False
        self._offline: AudioFilterSession | None = None
        self._offline_lock = threading.Lock()  # one process or flush at a time
        with LOCK:
            library.filters.append(self)

    # -- what is known of it ------------------------------------------------------------------------------------------

    @property
    def module_id(self) -> str:
        return self._library.module_id

    @property
    def path(self) -> str:
        """Absolute."""
        return self._library.path

    @property
    def state(self) -> AudioFilterLoadState:
        if self._closed:
            return AudioFilterLoadState.CLOSED
        if self._library.ready:
            return AudioFilterLoadState.READY
        return AudioFilterLoadState.LOADED if self._library.refusal is None else AudioFilterLoadState.FAILED

    @property
    def last_error(self) -> AudioFilterError | None:
        """Why the plugin refused to be used, the last time that it was asked."""
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
        """Puts a stream through the filter. Returns at once; the session starts in a thread.

        Args:
            sample_rate: Hz, 100 to 768000.
            num_channels: 1 to 128. Plugins are not told: one that needs it takes it from its options.
            options: For the plugin; whatever JSON can express.
            stream_info: Likewise.
            timeout_ms: How long the start may take, above 0; then audio passes unfiltered.

        Raises:
            ValueError: Something is out of range, or no JSON (NaN).
            TypeError: Options that are no dict or no JSON (a set), or a stream_info of another type.
            RuntimeError: The filter is closed.
        """
        text = options_json(options)
        with LOCK:  # the library cannot go away between the two
            self._check_open()
            return AudioFilterSession(self._library, sample_rate, num_channels, text, stream_info, timeout_ms)

    def update_credentials(self, url: str, token: str) -> None:
        """Tells the plugin about the connection: now where it is ready (in a thread; where they come fast, the newest
        ones), else when it is first used.

        Raises:
            TypeError: No strings.
            ValueError: A NUL in them, or no valid Unicode.
            RuntimeError: The filter is closed.
        """
        with LOCK:
            self._check_open()
            self._library.update_credentials(url, token)

    # -- without a stream ---------------------------------------------------------------------------------------------

    def process(self, frame: AudioFrame, *, options: dict[str, Any] | None = None) -> AudioFrame:
        """Filters a frame, or the next one of a row of them; `flush` ends the row.

        The plugin gets blocks of 10 ms. What does not fill one is kept for the next call: over all calls and `flush`,
        exactly as many samples come out as went in.

        Args:
            frame: Of any length; ours or the LiveKit SDK's. All frames until `flush` are of one rate and channel count.
            options: For the plugin; those of the first frame count until `flush`.

        Returns:
            A new frame with what is ready, which may be nothing.

        Raises:
            AudioFilterError: The plugin refuses, or its session does not start within the filter's `timeout_ms`.
            ValueError: Another rate or channel count than before, or options that are no JSON.
            TypeError: No frame, or options that are no dict or no JSON.
            RuntimeError: The filter is closed.

        Threads: any, one call after another; holds up its thread, for the first frame until the plugin is ready. Not
        for an event loop: use `asyncio.to_thread`, or a session.
        """
        frame = as_audio_frame(frame)
        text = options_json(options)
        with self._offline_lock:
            session = self._offline
            if session is None:
                session = self._start_offline(frame, text)
            return _combine(session.push(frame), frame.sample_rate, frame.num_channels)

    def flush(self) -> AudioFrame | None:
        """Ends a row of frames given to `process`: what is left of it, or None where nothing is. The next frame begins
        a new row, with a new session.

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

    def _start_offline(self, frame: AudioFrame, text: str) -> AudioFilterSession:
        with LOCK:
            self._check_open()
            session = AudioFilterSession(
                self._library, frame.sample_rate, frame.num_channels, text, None, self._timeout_ms
            )
            self._offline = session  # from here on close() ends it
        ready = threading.Event()
        session.on_ready(ready.set)
        try:
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
        """Unregisters the filter and ends its row of frames. Does not wait; closing again does nothing."""
        with LOCK:
            if self._closed:
                return
            self._closed = True
            self._library.filters.remove(self)
            session, self._offline = self._offline, None
        if session is not None:
            session.close()
        self._library.close()

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError(f"this AudioFilter is closed: {self.module_id!r}")

    def __enter__(self) -> AudioFilter:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"AudioFilter({self.module_id!r}, {self.path!r}, {self.state})"


def _open(
    module_id: str, path: str | os.PathLike[str], dependencies: Sequence[str | os.PathLike[str]] | None
) -> FilterLibrary:
    """Checks everything that can be checked without loading."""
    if not isinstance(module_id, str):
        raise TypeError(f"expected module_id as a str, got {type(module_id).__name__}")
    if isinstance(dependencies, (str, bytes, os.PathLike)):
        raise TypeError(f"expected dependencies as a list of paths, got {type(dependencies).__name__}")
    given = _as_path(path)
    mode = os.stat(given).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), given)
    if not stat.S_ISREG(mode):
        raise AudioFilterError(f"{module_id!r}: {given} is no regular file")  # a pipe would hang the system's loader
    return FilterLibrary.open(module_id, _absolute(given), [_as_library_name(item) for item in dependencies or ()])


def _as_path(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    if not isinstance(text, str):
        raise TypeError(f"expected a path as a str, got {type(text).__name__}")
    return text


def _as_library_name(name: str | os.PathLike[str]) -> str:
    text = _as_path(name)
    return _absolute(text) if os.path.dirname(text) or os.path.exists(text) else text


def _absolute(path: str) -> str:
    if os.name == "nt":
        return os.path.abspath(path)  # which its loader wants, backslashes and all
    # Not normalised: what lies beside a link may not lie beside its target.
    return os.path.join(os.getcwd(), path)


def _combine(frames: list[AudioFrame], sample_rate: int, num_channels: int) -> AudioFrame:
    return combine_audio_frames(frames) if frames else AudioFrame.create(sample_rate, num_channels, 0)
