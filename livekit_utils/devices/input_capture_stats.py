"""InputCaptureStats: what a microphone has delivered so far."""

from __future__ import annotations

from dataclasses import dataclass

from livekit_utils.devices.device_state import DeviceState

__all__ = ["InputCaptureStats"]


@dataclass(frozen=True, slots=True)
class InputCaptureStats:
    """What an `InputCapture` has delivered so far."""

    state: DeviceState
    device: str
    """The name of the device in use, or of the one that is missed."""
    num_frames: int
    """Frames of 10 ms that went into the source."""
    dropped_ms: float
    """Sound left out because the event loop did not fetch it in time."""
    num_refused: int
    """Frames that the source did not take: it is closed, or fails."""
    num_unprocessed: int
    """Frames that passed as they were because processing failed."""
    latency_ms: float
    """From the microphone to the block that holds the sound, by PortAudio's clock."""
    num_device_gaps: int
    """Overflows that PortAudio has reported."""
    num_reopened: int
    """How often the device was opened again after a loss."""
