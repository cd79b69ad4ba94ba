"""What the application asks of a device's worker, and what it gets: DeviceRequest, OpenedDevice, DeviceError."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public

__all__ = ["DeviceError"]

# PortAudio itself takes more; no sound card has more.
MAX_DEVICE_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    """Says which device to open, and how. It crosses to another process as JSON.

    Raises:
        TypeError: `device` is neither an index, nor a name, nor None.
        ValueError: `device` is a negative index.
    """

    is_input: bool
    device: int | str | None
    """An index, a name or a part of one that fits no other device; None for the default."""
    host_api: str | None
    """The host API of the device that was open before, when it is opened again by name."""
    sample_rate: int
    num_channels: int
    min_channels: int
    """A device that cannot do `num_channels` may do with fewer, down to this."""
    block_size: int
    """Samples per channel between two calls of the device, at `sample_rate`; 0 for what the device prefers."""
    ring_ms: int
    """Sound that fits between the device and the application."""

    def __post_init__(self) -> None:
        argument = "input_device" if self.is_input else "output_device"
        if isinstance(self.device, bool) or not isinstance(self.device, int | str | None):
            raise TypeError(f"{argument}: expected an index, a name or None, got {self.device!r}")
        if isinstance(self.device, int):
            check_int(argument, self.device, 0)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> DeviceRequest:
        return cls(**json.loads(text))

    @property
    def wanted(self) -> str:
        """The device, for messages."""
        direction = "input" if self.is_input else "output"
        return f"the default {direction} device" if self.device is None else f"{direction} device {self.device!r}"


@dataclass(frozen=True, slots=True)
class OpenedDevice:
    """Describes the device that was opened, and the memory that it shares."""

    name: str
    index: int
    host_api: str
    sample_rate: int
    """May differ from the one that was asked for, and so may `num_channels`."""
    num_channels: int
    ring_capacity: int
    """Int16 values."""
    tap_capacity: int


@public
class DeviceError(OSError):
    """A microphone or speaker cannot be found, opened or used; the message says what to do.

    Args:
        message: What happened to which device, and what helps.
        code: PortAudio's number, such as -9996 for a device that does not exist; None if PortAudio has none for this.
        device: What the caller or the system calls the device; None for the default one.

    Example:
        >>> error = DeviceError("there is no input device 99", code=-9996, device="99")
        >>> isinstance(error, OSError), error.code
        (True, -9996)
    """

    def __init__(self, message: str, *, code: int | None = None, device: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.device = device
