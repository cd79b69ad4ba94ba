"""DeviceStateChange: what happened to an open device."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils.devices.device_state import DeviceState

__all__ = ["DeviceStateChange"]


@dataclass(frozen=True, slots=True)
class DeviceStateChange:
    """A device went from one state to another."""

    state: DeviceState
    previous: DeviceState
    reason: str
    """In words, such as why it was lost."""
    device: str
    """The name of the device in use, or of the one that is missed."""
