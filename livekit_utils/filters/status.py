"""States of filters and their sessions, and their error."""

from __future__ import annotations

from enum import StrEnum

from livekit_utils._runtime.public_path import public

__all__ = ["AudioFilterError", "AudioFilterLoadState", "AudioFilterState"]


@public
class AudioFilterError(Exception):
    """Tells that a filter plugin does not load, lacks functions, refuses, or takes too long; the message says which."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


@public
class AudioFilterLoadState(StrEnum):
    """The state of an `AudioFilter`.

    `LOADED`: the library is loaded; its `audio_filter_on_load` was not called yet, the first session does that.
    `READY`: the call succeeded. `FAILED`: the plugin refused (see `last_error`); the next session calls it again.
    `CLOSED`: the filter makes no more sessions.
    """

    LOADED = "loaded"
    """The library is loaded, and its plugin has not started yet."""
    READY = "ready"
    """The plugin has started."""
    FAILED = "failed"
    """The plugin refused; `last_error` tells why, and the next session asks again."""
    CLOSED = "closed"
    """It is closed."""


@public
class AudioFilterState(StrEnum):
    """The state of an `AudioFilterSession`. `STARTING` is left once, for one of the others; `BYPASSED` may become
    `ACTIVE` when the session is told of another stream; `CLOSED` is final.

    `STARTING`: the plugin is not ready; audio is held. `ACTIVE`: audio is filtered. `BYPASSED`: the plugin refused or
    was too slow (see `last_error`); audio passes through unchanged. `CLOSED`: the session takes no more audio.
    """

    STARTING = "starting"
    """The plugin starts; audio waits for it."""
    ACTIVE = "active"
    """Audio is filtered."""
    BYPASSED = "bypassed"
    """Audio passes unchanged; `last_error` tells why."""
    CLOSED = "closed"
    """It is closed."""
