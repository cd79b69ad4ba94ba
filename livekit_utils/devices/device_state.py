"""DeviceStates: the state of a device, and those who want to know when it changes."""

from __future__ import annotations

import logging
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

from livekit_utils._runtime.queues import EndableQueue

__all__ = ["DeviceState", "DeviceStateChange"]

logger = logging.getLogger("livekit_utils")


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


@dataclass(frozen=True, slots=True)
class DeviceStateChange:
    """A device went from one state to another."""

    state: DeviceState
    previous: DeviceState
    reason: str
    """In words, such as why it was lost."""
    device: str
    """The name of the device in use, or of the one that is missed."""


# Changes that an iterator keeps for a slow reader; of more, the oldest are forgotten.
_MAX_CHANGES = 100


class DeviceStates:
    """Used in one event loop."""

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.state = DeviceState.OPENING
        self.reason = ""
        self._listeners: list[Callable[[DeviceStateChange], None]] = []
        self._readers: weakref.WeakSet[EndableQueue[DeviceStateChange]] = weakref.WeakSet()

    def become(self, state: DeviceState, reason: str, device: str) -> None:
        """Says so once, in the log and to everybody. A state that it has already is no news."""
        if state is self.state or self.state is DeviceState.CLOSED:
            return
        change = DeviceStateChange(state, self.state, reason, device)
        self.state, self.reason = state, reason
        level = logging.WARNING if state is DeviceState.LOST else logging.INFO
        logger.log(level, "%s %r: %s: %s", self.subject, device, state.value, reason)
        for listener in list(self._listeners):
            try:
                listener(change)
            except Exception:
                logger.exception("%r failed", listener)
        for queue in list(self._readers):
            if queue.full:
                queue.drop_oldest()
            queue.put(change)
            if state is DeviceState.CLOSED:
                queue.end()

    def listen(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Calls back at every change; what is returned ends that."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    def changes(self) -> AsyncIterator[DeviceStateChange]:
        """Every change from now on, until the device is closed."""
        queue: EndableQueue[DeviceStateChange] = EndableQueue(_MAX_CHANGES)
        if self.state is DeviceState.CLOSED:
            queue.end()
        else:
            self._readers.add(queue)
        return _iterate(queue)


async def _iterate(queue: EndableQueue[DeviceStateChange]) -> AsyncIterator[DeviceStateChange]:
    while True:
        try:
            change = await queue.get()
        except StopAsyncIteration:
            return
        yield change
