"""Worker: looks after one open device stream, in another process or thread."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from livekit_utils.devices.backend.memory import DeviceMemory
from livekit_utils.devices.backend.request import OpenedDevice


class Worker(ABC):
    """Holds one open device stream. Its constructor and `close` block, so they are called in a thread of their own; an
    event loop then listens to it."""

    info: OpenedDevice
    memory: DeviceMemory

    @abstractmethod
    def listen(
        self, loop: asyncio.AbstractEventLoop, on_wake: Callable[[], None], on_end: Callable[[str], None]
    ) -> None:
        """Begins to call back in the loop, of what happened before too. Call it in the loop's thread.

        Args:
            on_wake: Called after each block of a microphone, and after a speaker's block that leaves fewer samples than
                WAKE_BELOW.
            on_end: Called once with the reason when the device is lost.
        """

    @abstractmethod
    def leave(self) -> None:
        """Ends the calls. Call it in the loop's thread."""

    @abstractmethod
    def close(self) -> None:
        """Ends the stream, within two seconds even if the sound server hangs. It blocks."""
