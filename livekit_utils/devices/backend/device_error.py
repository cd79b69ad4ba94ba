"""DeviceError: a microphone or speaker that cannot be used."""

from __future__ import annotations

from typing import Any

__all__ = ["DeviceError"]


class DeviceError(OSError):
    """A microphone or speaker cannot be found, opened or used; the message says what to do.

    Args:
        message: What happened to which device, and what helps.
        code: PortAudio's number, such as -9996 for a device that does not exist; None where it has none for this.
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

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restore, (str(self), self.code, self.device))


def _restore(message: str, code: int | None, device: str | None) -> DeviceError:
    return DeviceError(message, code=code, device=device)
