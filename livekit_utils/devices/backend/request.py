"""What the application asks of a device's worker, and what it gets: DeviceRequest, OpenedDevice, DeviceError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from livekit_utils._runtime.arguments import check_int
from livekit_utils._runtime.public_path import public

__all__ = ["DeviceError"]

# PortAudio itself takes more; no sound card has more.
MAX_DEVICE_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """Tells a device from the others of its side when it comes back, perhaps with another index or card number."""

    name: str
    host_api: str
    ordinal: int = 0
    """Its place among the devices of one host API whose names are the same but for the card's number."""
    others: tuple[str, ...] = ()
    """The full names of the others of these. While one is missing, it cannot be told which."""


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
    identity: DeviceIdentity | None
    """The device that the user chose, as it was found the first time: it is meant, whatever has its index now. With
    `device` None it is the one that the default takes the place of."""
    sample_rate: int
    num_channels: int
    min_channels: int
    """A device that cannot do `num_channels` may do with fewer, down to this."""
    block_size: int
    """Samples per channel between two calls of the device, at `sample_rate`; 0 for what the device prefers."""
    ring_ms: int
    """Sound that fits between the device and the application."""
    min_channels_again: int = 0
    """Stands for `min_channels` when the device comes back after a loss; 0 if that is the same."""
    max_block_size: int = 0
    """The largest block that a device may get when it does not keep up with `block_size`."""

    def __post_init__(self) -> None:
        argument = "input_device" if self.is_input else "output_device"
        if isinstance(self.device, bool) or not isinstance(self.device, int | str | None):
            raise TypeError(f"{argument}: expected an index, a name or None, got {self.device!r}")
        if isinstance(self.device, int):
            check_int(argument, self.device, 0)

    def to_json(self) -> str:
        import json

        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> DeviceRequest:
        import json

        fields = json.loads(text)
        known = fields["identity"]
        if known is not None:
            fields["identity"] = DeviceIdentity(**(known | {"others": tuple(known["others"])}))
        return cls(**fields)

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
    ordinal: int = 0
    """As in DeviceIdentity; so are `others`."""
    others: Sequence[str] = ()

    @property
    def identity(self) -> DeviceIdentity:
        return DeviceIdentity(self.name, self.host_api, self.ordinal, tuple(self.others))


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
