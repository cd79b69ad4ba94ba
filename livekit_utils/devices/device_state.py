"""DeviceState and DeviceStateChange, and DeviceStates, which tells listeners when the state of a device changes."""

from __future__ import annotations

import logging
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum

from livekit_utils._runtime.public_path import public
from livekit_utils._runtime.queues import EndableQueue
from livekit_utils._runtime.trouble import ENDS_PROGRAM

__all__ = ["DeviceState", "DeviceStateChange"]

logger = logging.getLogger("livekit_utils")


@public
class DeviceState(StrEnum):
    """The state of a microphone or speaker.

    `OPENING`: it is open, and its first sample has not moved yet; it gets 3 s. `RUNNING`: sound moves. `LOST`: it
    ended, froze, or never moved; attempts to open it again follow until it is closed, and are not reported.
    `RECOVERED`: sound moves again after a loss, on the same device or on a substitute. `CLOSED` is final.
    """

    OPENING = "opening"
    """It is open, and no sound has moved yet."""
    RUNNING = "running"
    """Sound has moved."""
    LOST = "lost"
    """It is away, and looked for."""
    RECOVERED = "recovered"
    """It was lost, and sound has moved again."""
    CLOSED = "closed"
    """It is closed for good."""

    @property
    def is_running(self) -> bool:
        """Returns whether the device is open, and sound goes through it."""
        return self in (DeviceState.RUNNING, DeviceState.RECOVERED)


@public
@dataclass(frozen=True, slots=True)
class DeviceStateChange:
    """The change of a device from one state to another.

    When the device that was asked for is taken back from a substitute, both states are `RECOVERED`.
    """

    state: DeviceState
    """The state from now on."""
    previous: DeviceState
    """The state until now."""
    reason: str
    """The reason in words, such as why the device was lost."""
    device: str
    """The name of the device in use, or of the one that was lost."""
    is_substitute: bool = False
    """Whether this is the default device, in place of the one that was asked for and is away."""


# Number of changes that an iterator keeps for a slow reader; then it drops the oldest.
_MAX_CHANGES = 100


class DeviceStates:
    """Holds the state of one device, and reports its changes to the log, to listeners and to iterators.

    Args:
        subject: The kind of device, for the log.

    Threads: for one event loop.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.state = DeviceState.OPENING
        self.reason = ""
        self._listeners: list[Callable[[DeviceStateChange], None]] = []
        self._readers: weakref.WeakSet[EndableQueue[DeviceStateChange]] = weakref.WeakSet()

    def become(self, state: DeviceState, reason: str, device: str, is_substitute: bool = False) -> None:
        """Changes the state and reports it. Does nothing if the state is unchanged, or after the close."""
        if state is not self.state:
            self._change(state, reason, device, is_substitute)

    def replace(self, reason: str, device: str, is_substitute: bool) -> None:
        """Reports that a device is in use again, in the state RECOVERED, which may be that of before."""
        self._change(DeviceState.RECOVERED, reason, device, is_substitute)

    def _change(self, state: DeviceState, reason: str, device: str, is_substitute: bool) -> None:
        if self.state is DeviceState.CLOSED:
            return
        change = DeviceStateChange(state, self.state, reason, device, is_substitute)
        self.state, self.reason = state, reason
        level = logging.WARNING if state is DeviceState.LOST else logging.INFO
        logger.log(level, "%s %r: %s: %s", self.subject, device, state.value, reason)
        for listener in list(self._listeners):
            try:
                listener(change)
            except ENDS_PROGRAM:
                raise
            except BaseException:
                logger.exception("%r failed", listener)
        for queue in list(self._readers):
            if queue.full:
                queue.drop_oldest()
            queue.put(change)
            if state is DeviceState.CLOSED:
                queue.end()

    def listen(self, listener: Callable[[DeviceStateChange], None]) -> Callable[[], None]:
        """Calls `listener` at every change. Returns a function that ends this.

        Raises:
            TypeError: It cannot be called.
        """
        if not callable(listener):
            raise TypeError(f"listener: expected a callable, got {listener!r}")
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
