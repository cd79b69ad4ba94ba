"""AudioFilterState: what an AudioFilterSession does with audio."""

from __future__ import annotations

from enum import StrEnum

from livekit_utils._runtime.public_path import public

__all__ = ["AudioFilterError", "AudioFilterLoadState", "AudioFilterState"]


@public
class AudioFilterError(Exception):
    """A filter plugin does not load, lacks functions, refuses, or takes too long; the text says which, and of what."""


@public
class AudioFilterLoadState(StrEnum):
    """How far an `AudioFilter` has come.

    `LOADED`: the library is loaded; the plugin has not been asked yet whether it may be used, which happens with the
    first session. `READY`: it said yes. `FAILED`: it said no (see `last_error`); the next session asks again.
    `CLOSED`: the filter makes no more sessions.
    """

    LOADED = "loaded"
    READY = "ready"
    FAILED = "failed"
    CLOSED = "closed"


@public
class AudioFilterState(StrEnum):
    """What an `AudioFilterSession` does with audio. `STARTING` is left once, for one of the others; `CLOSED` is final.

    `STARTING`: the plugin is not ready; audio is held. `ACTIVE`: audio is filtered. `BYPASSED`: the plugin refused or
    was too slow (see `last_error`); audio passes through unchanged. `CLOSED`: nothing is taken any more.
    """

    STARTING = "starting"
    ACTIVE = "active"
    BYPASSED = "bypassed"
    CLOSED = "closed"
