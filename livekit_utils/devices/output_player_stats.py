"""OutputPlayerStats: what a player has done so far."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils.devices.device_state import DeviceState

__all__ = ["OutputPlayerStats"]


@dataclass(frozen=True, slots=True)
class OutputPlayerStats:
    """What an `OutputPlayer` has done so far."""

    state: DeviceState
    device: str
    """The name of the device in use, or of the one that is missed."""
    num_inputs: int
    """Tracks and streams that may be heard."""
    queued_ms: float
    """Sound on its way to the device."""
    latency_ms: float
    """From the next sample given to the device to the speaker, by PortAudio's clock."""
    gap_ms: float
    """Silence in the middle of sound: what came too late."""
    dropped_ms: float
    """Sound left out because the device did not take it in time, summed over the inputs."""
    num_stalls: int
    """How often an input ran dry and went on within half a second."""
    num_device_gaps: int
    """Underflows that PortAudio has reported."""
    num_reopened: int
    """How often the device was opened again after a loss."""
