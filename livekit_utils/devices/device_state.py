"""DeviceState: how an open microphone or speaker is."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["DeviceState"]


class DeviceState(StrEnum):
    """How a microphone or speaker is that was opened.

    `OPENING`: not open yet, for the first time. `RUNNING`: open. `LOST`: it ended, froze, or could not be opened again;
    it is tried again until it is closed. `RECOVERED`: open again after a loss. `CLOSED` is final.
    """

    OPENING = "opening"
    RUNNING = "running"
    LOST = "lost"
    RECOVERED = "recovered"
    CLOSED = "closed"

    @property
    def is_running(self) -> bool:
        """Whether sound goes through the device."""
        return self in (DeviceState.RUNNING, DeviceState.RECOVERED)
