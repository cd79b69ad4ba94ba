"""PluginLibrary loads a shared library with the C interface of an audio filter, and makes PluginSessions."""
from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_FromStringAndSize
from cpython.bytes cimport PyBytes_AS_STRING
from libc.stdint cimport int16_t, int32_t, uint32_t, uintptr_t
from libc.string cimport memset

from livekit_utils._kernels cimport csrc
from livekit_utils._kernels.borrow cimport PyBuffer_Release, borrow_s16

import os
import sys
from threading import Lock

import cython


cdef enum:
    NUM_REASON = 2048


# no_gc_clear: the garbage collector would take the library away from a session that is still destroyed or called.
@cython.final
@cython.no_gc_clear
cdef class PluginLibrary:
    """A shared library that stays loaded until `close`, even if the object is dropped before.

    A library that is no audio filter loads too, as a dependency of one. `missing` then lists the functions that it
    lacks, and calls of plugin functions raise RuntimeError, as they do after `close`.

    Args:
        path: In the form of the system; a name without a slash is looked up on the system's search path.

    Raises:
        OSError: The library does not load; the message says why.

    Threads: any. The GIL is released while code of the library runs, its initialisers and destructors included.
    `create` may run in several threads at once.
    """

    cdef csrc.lku_plugin _plugin
    cdef bint _initialised, _open
    cdef Py_ssize_t _num_sessions, _num_calls

    def __init__(self, str path not None):
        cdef char reason[NUM_REASON]
        cdef bint opened
        if self._initialised:
            raise RuntimeError("this PluginLibrary is initialised already")
        if "\0" in path:
            raise ValueError(f"expected a path without NUL characters, got {path!r}")
        cdef bytes encoded = path.encode("utf-16-le") + b"\0" if sys.platform == "win32" else os.fsencode(path)
        cdef const csrc.lku_path_char *text = <const csrc.lku_path_char *><void *>PyBytes_AS_STRING(encoded)
        self._initialised = True
        with nogil:
            opened = csrc.lku_plugin_open(&self._plugin, text, reason, NUM_REASON)
        if not opened:
            raise OSError((<bytes>reason).decode("utf-8", "replace").strip() or "for no reason given")
        self._open = True

    @property
    def missing(self):
        """The names of all required functions that the library does not export."""
        cdef const char *name = NULL
        names = []
        while True:
            name = csrc.lku_plugin_missing(&self._plugin, len(names))
            if name is NULL:
                return tuple(names)
            names.append((<bytes>name).decode())

    @property
    def has_update_token(self):
        """Whether the optional `update_token` is there."""
        return self._plugin.update_token is not NULL

    @property
    def num_sessions(self):
        """Sessions created and not destroyed."""
        return self._num_sessions

    @property
    def closed(self):
        return not self._open

    cdef int _check(self) except -1:
        if not self._open:
            raise RuntimeError("this library is closed")
        if csrc.lku_plugin_missing(&self._plugin, 0) is not NULL:
            raise RuntimeError(f"this library is no audio filter: it lacks {', '.join(self.missing)}")
        return 0

    def on_load(self, str options_json not None):
        """Calls `audio_filter_on_load` and returns its result; 0 is success."""
        self._check()
        cdef bytes options = c_string(options_json)
        cdef const char *text = PyBytes_AS_STRING(options)
        cdef int32_t code
        self._num_calls += 1
        with nogil:
            code = self._plugin.on_load(text)
        self._num_calls -= 1
        return code

    def update_token(self, str url not None, str token not None):
        """Calls `audio_filter_update_token`.

        Raises:
            RuntimeError: There is none.
        """
        self._check()
        if self._plugin.update_token is NULL:
            raise RuntimeError("this library has no audio_filter_update_token")
        cdef bytes url_bytes = c_string(url), token_bytes = c_string(token)
        cdef const char *url_text = PyBytes_AS_STRING(url_bytes)
        cdef const char *token_text = PyBytes_AS_STRING(token_bytes)
        self._num_calls += 1
        with nogil:
            self._plugin.update_token(url_text, token_text)
        self._num_calls -= 1

    def create(self, uint32_t sample_rate, str options_json not None, str stream_info_json not None):
        """Returns a new session, or None if the plugin refuses."""
        self._check()
        cdef bytes options = c_string(options_json), info = c_string(stream_info_json)
        cdef const char *options_text = PyBytes_AS_STRING(options)
        cdef const char *info_text = PyBytes_AS_STRING(info)
        cdef PluginSession session = PluginSession.__new__(PluginSession)
        cdef void *created
        self._num_calls += 1
        with nogil:
            created = csrc.lku_plugin_create(&self._plugin, sample_rate, options_text, info_text)
        self._num_calls -= 1
        if created is NULL:
            return None
        self._num_sessions += 1
        session._library = self
        session._session = created
        return session

    def close(self):
        """Unloads the library, unless it is loaded elsewhere too; closing again does nothing.

        Raises:
            RuntimeError: A session is not destroyed, or a call is under way.
        """
        if not self._open:
            return
        if self._num_sessions or self._num_calls:
            raise RuntimeError(f"this library is in use: {self._num_sessions} sessions, {self._num_calls} calls")
        self._open = False
        with nogil:
            csrc.lku_plugin_close(&self._plugin)


@cython.final
@cython.no_gc_clear
cdef class PluginSession:
    """A session of a plugin, from `PluginLibrary.create`; it is never destroyed without `destroy`.

    Threads: any. One call runs at a time, the others wait without the GIL; none runs after `destroy`.
    """

    cdef PluginLibrary _library
    cdef void *_session
    cdef object _lock

    def __cinit__(self):
        self._lock = Lock()

    cdef int _check(self) except -1:
        if self._session is NULL:
            raise RuntimeError("this session is destroyed")
        return 0

    @property
    def destroyed(self):
        return self._session is NULL

    def process(self, data):
        """Hands int16 samples (bytes, an int16 buffer, a frame) to the plugin in one call; returns as many."""
        cdef Py_buffer view
        cdef Py_ssize_t n = borrow_s16(data, &view)
        cdef int16_t *out
        try:
            if <uintptr_t>view.buf & 1:
                return self.process(bytes(data))  # a plugin may count on its samples being aligned
            result = PyByteArray_FromStringAndSize(NULL, n * 2)
            out = <int16_t *>PyByteArray_AS_STRING(result)
            memset(out, 0, n * 2)  # silence where the plugin writes nothing
            with self._lock:
                self._check()
                if n > 0:
                    with nogil:
                        csrc.lku_plugin_process(&self._library._plugin, self._session, <const int16_t *>view.buf, n,
                                                out)
            return result
        finally:
            PyBuffer_Release(&view)

    def update_stream_info(self, str stream_info_json not None):
        """Calls `audio_filter_update_stream_info`."""
        cdef bytes info = c_string(stream_info_json)
        cdef const char *text = PyBytes_AS_STRING(info)
        with self._lock:
            self._check()
            with nogil:
                self._library._plugin.update_stream_info(self._session, text)

    def destroy(self):
        """Ends the session, when no other call is under way; destroying again does nothing."""
        cdef void *session
        with self._lock:
            session = self._session
            self._session = NULL
        # Without the lock: later calls are refused at once, even if the plugin takes long here.
        if session is not NULL:
            with nogil:
                self._library._plugin.destroy(session)
            self._library._num_sessions -= 1


cdef bytes c_string(str text):
    """Returns text as UTF-8 for C.

    Raises:
        ValueError: The text has a NUL, where C would see its end, or half a surrogate pair.
    """
    if "\0" in text:
        raise ValueError(f"expected text without NUL characters, got {text!r}")
    return text.encode("utf-8")
