"""LatePolicy: what becomes of pictures that are late."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["LatePolicy"]


class LatePolicy(StrEnum):
    """What `AVSynchronizer` does with pictures whose sound has been heard already."""

    DROP = "drop"
    """Shows the latest that is due, and drops those before it: back in time at once."""
    SHOW = "show"
    """Shows every one, at twice the frame rate at most, until it has caught up."""
