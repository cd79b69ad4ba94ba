"""FilterLibrary: a loaded plugin with its dependencies.

AudioFilters, sessions, and calls that are under way use a library. It is registered while an AudioFilter is open or
being opened, and unloaded when nothing uses it any more. Code of the plugin runs in threads of its own.
"""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Sequence
from dataclasses import replace

from livekit_utils._kernels.plugin import PluginLibrary
from livekit_utils._runtime.arguments import check_type
from livekit_utils._runtime.threads import Once, start_thread, try_start_thread
from livekit_utils.filters.description import AudioStreamInfo, credentials_json
from livekit_utils.filters.status import AudioFilterError

# Guards the registers and all counts. It is reentrant because a signal handler may close a filter at any point. No
# foreign code is called under it, and nothing is logged.
LOCK = threading.RLock()

_REGISTER: dict[str, FilterLibrary] = {}


class FilterLibrary:
    """A plugin that is loaded, or being loaded, in a thread."""

    def __init__(self, module_id: str, path: str, real_path: str, dependencies: Sequence[str]) -> None:
        self.module_id = module_id
        self.path = path
        self.loaded = Once()  # the loading has ended, with or without a failure
        self.failure: str | None = None
        self.refusal: AudioFilterError | None = None  # error of the last on_load
        self._real_path = real_path
        self._dependencies = dependencies
        self._plugin: PluginLibrary | None = None
        self._libraries: list[PluginLibrary] = []
        self._openers = 0
        self._users = 0
        # For on_load and update_token, which must not overlap. It is never taken in a thread of the user.
        self._call_lock = threading.Lock()
        self._credentials = (0, "", "")
        self._told: int | None = None  # number of the credentials that the plugin has
        self._telling = False

    # -- opening and closing ------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, module_id: str, path: str, dependencies: Sequence[str]) -> FilterLibrary:
        """Returns the library of this id, which is loaded or being loaded; `close` it once.

        Raises:
            ValueError: The id is open with a library of another path.
        """
        real_path = os.path.realpath(path)
        with LOCK:
            library = _REGISTER.get(module_id)
            if library is not None:
                if library._real_path != real_path:
                    raise ValueError(
                        f"module_id: expected a new one, got {module_id!r}, which is open as {library.path}"
                    )
                library._openers += 1
                library._users += 1
                return library
            library = cls(module_id, path, real_path, dependencies)
            library._openers = 1
            library._users = 2  # its opener and its loader
            _REGISTER[module_id] = library
        try:
            start_thread(f"load {module_id!r}", library._load)
        except BaseException:
            library.failure = f"{module_id!r}: there is no thread to load {path} in"
            library.loaded.set()
            library.close()
            raise
        return library

    def close(self) -> None:
        """Removes an opener."""
        with LOCK:
            self._openers -= 1
            if self._openers == 0:
                self._unregister()
        self.release()

    def acquire(self) -> FilterLibrary:
        """Adds a user. The caller is one, or holds LOCK and knows of one."""
        with LOCK:
            self._users += 1
        return self

    def acquire_if_loaded(self) -> bool:
        """Adds a user if there is one, so that the library is still loaded; returns whether it did."""
        with LOCK:
            loaded = self._users > 0 and self._plugin is not None
            self._users += loaded
            return loaded

    def release(self) -> None:
        """Removes a user; the last one unloads the library, in a thread."""
        if self._is_last_user():
            try_start_thread(f"unload {self.module_id!r}", self._unload)

    def release_here(self) -> None:
        """Does what `release` does, in this thread, which may block."""
        if self._is_last_user():
            self._unload()

    def _is_last_user(self) -> bool:
        with LOCK:
            self._users -= 1
            return self._users == 0 and self._plugin is not None

    def _unregister(self) -> None:
        with LOCK:
            if _REGISTER.get(self.module_id) is self:
                del _REGISTER[self.module_id]

    def _load(self) -> None:
        libraries: list[PluginLibrary] = []
        try:
            for dependency in self._dependencies:
                libraries.append(_load(dependency, f"{self.module_id!r}: its dependency {dependency}"))
            plugin = _load(self.path, f"{self.module_id!r}: {self.path}")
            libraries.append(plugin)
            if plugin.missing:
                raise AudioFilterError(
                    f"{self.module_id!r}: {self.path} is no audio filter, it lacks {', '.join(plugin.missing)}"
                )
        except Exception as error:
            self.failure = str(error) or repr(error)
            self._unregister()
            for library in reversed(libraries):
                library.close()
        else:
            self._libraries, self._plugin = libraries, plugin
        self.loaded.set()
        self.release_here()

    def _unload(self) -> None:
        self._plugin = None
        for library in reversed(self._libraries):
            library.close()
        self._libraries = []

    # -- calling the plugin -------------------------------------------------------------------------------------------

    @property
    def plugin(self) -> PluginLibrary:
        """The loaded library."""
        if self._plugin is None:
            raise RuntimeError(f"{self.module_id!r} is not loaded")
        return self._plugin

    @property
    def ready(self) -> bool:
        """Whether the plugin's on_load has succeeded."""
        return self._told is not None

    def be_ready(self) -> None:
        """Calls the plugin's on_load, unless it has succeeded before.

        Raises:
            AudioFilterError: The plugin refuses.
        """
        with self._call_lock:
            if self._told is None:
                self._load_with_credentials()

    def _load_with_credentials(self) -> None:
        number, url, token = self._credentials
        code = self.plugin.on_load(credentials_json(url, token))
        if code != 0:
            self.refusal = AudioFilterError(f"{self.module_id!r}: audio_filter_on_load returned {code}")
            raise AudioFilterError(str(self.refusal))
        self.refusal = None
        self._told = number

    def described(self, info: AudioStreamInfo) -> str:
        """Returns the JSON of a stream; its URL is that of the credentials if it is empty. Plugins refuse a stream of
        a server that they have no credentials of."""
        url = self._credentials[1]
        return (replace(info, url=url) if url and not info.url else info).to_json()

    def tell_credentials(self) -> None:
        """Tells a plugin the newest credentials, in this thread, if it has others: by `update_token`, or where there
        is none, by `on_load`.

        Raises:
            AudioFilterError: The plugin refuses.
        """
        with self._call_lock:
            number, url, token = self._credentials
            if self._told == number:
                return
            if self._told is not None and self.plugin.has_update_token:
                self.plugin.update_token(url, token)
                self._told = number
            else:
                self._load_with_credentials()

    def update_credentials(self, url: str, token: str) -> None:
        """Stores credentials, and tells a plugin that had others: in a thread, the newest ones if they come fast."""
        for name, text in (("url", url), ("token", token)):
            check_type(name, text, str)
            if "\0" in text:
                raise ValueError(f"{name}: expected no NUL characters, got one at {text.index(chr(0))}")
        credentials_json(url, token)
        with LOCK:
            self._credentials = (self._credentials[0] + 1, url, token)
            if self._telling or not self.plugin.has_update_token:
                return
            self._telling = True
            self._users += 1
        try:
            start_thread(f"update the token of {self.module_id!r}", self._tell)
        except BaseException:
            self._telling = False
            self.release()
            raise

    def _tell(self) -> None:
        with self._call_lock:
            while True:
                with LOCK:
                    number, url, token = self._credentials
                    if self._told is None or self._told == number:
                        self._telling = False
                        break
                self.plugin.update_token(url, token)
                self._told = number
        self.release_here()


def _load(path: str, what: str) -> PluginLibrary:
    try:
        if os.path.isfile(path) and _is_cut_off(path):
            raise AudioFilterError(f"{what} does not load: the file is cut off")
        return PluginLibrary(path)
    except OSError as error:
        raise AudioFilterError(f"{what} does not load: {error}") from None


# For each class byte of an ELF header: the format of the header up to the entry size and count of the segments, the
# format of a segment, and the places of its type, offset and size in the file.
_HEADERS = {1: ("16xHHIIIIIHHH", "IIIIIIII", (0, 1, 4)), 2: ("16xHHIQQQIHHH", "IIQQQQQQ", (0, 2, 5))}
_LOADED = 1


def _is_cut_off(path: str) -> bool:
    """Returns whether an ELF file ends before the end of its segments, as after a download that broke off.

    The system maps such a file all the same, and the process dies of a bus error when it reads there. Files of other
    formats are taken to be whole.
    """
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(64)
        if start[:4] != b"\x7fELF" or len(start) < 64 or start[4] not in _HEADERS or start[5] not in (1, 2):
            return False
        header, segment, places = _HEADERS[start[4]]
        order = "<" if start[5] == 1 else ">"
        values = struct.unpack_from(order + header, start)
        table, num_bytes, count = values[4], values[8], values[9]
        if num_bytes != struct.calcsize(order + segment):
            return False
        file.seek(min(table, size))
        segments = file.read(num_bytes * count)
    if len(segments) < num_bytes * count:
        return True
    for item in struct.iter_unpack(order + segment, segments):
        kind, offset, length = (item[place] for place in places)
        if kind == _LOADED and offset + length > size:
            return True
    return False
