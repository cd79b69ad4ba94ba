"""Worker: whatever looks after one open device stream, in another process or thread."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from livekit_utils.devices.backend.memory import DeviceMemory
from livekit_utils.devices.backend.request import OpenedDevice


class Worker(ABC):
    """One open device stream. Made by blocking calls, which belong into a thread of their own; an event loop then
    listens to it."""

    info: OpenedDevice
    memory: DeviceMemory

    @abstractmethod
    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        """From now on, `on_wake` is called in the loop after each block of the device, and `on_end` when the device is
        lost, with the reason. In the loop's thread."""

    @abstractmethod
    def leave(self) -> None:
        """The end of listening. In the loop's thread."""

    @abstractmethod
    def close(self) -> None:
        """Ends the stream, within a second or two whatever the sound server does. It blocks."""
