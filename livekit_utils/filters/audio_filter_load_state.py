"""AudioFilterLoadState: how far an AudioFilter has come."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["AudioFilterLoadState"]


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
