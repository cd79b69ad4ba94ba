"""AudioFilterState: what an AudioFilterSession does with audio."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["AudioFilterState"]


class AudioFilterState(StrEnum):
    """What an `AudioFilterSession` does with audio. `STARTING` is left once, for one of the others; `CLOSED` is final.

    `STARTING`: the plugin is not ready; audio is held. `ACTIVE`: audio is filtered. `BYPASSED`: the plugin refused or
    was too slow (see `last_error`); audio passes through unchanged. `CLOSED`: nothing is taken any more.
    """

    STARTING = "starting"
    ACTIVE = "active"
    BYPASSED = "bypassed"
    CLOSED = "closed"
