"""What examples do with a room, without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Participant:
    def __init__(self) -> None:
        self.published: list[Any] = []

    async def publish_track(self, track: Any) -> None:
        self.published.append(track)


class Room:
    """Remembers what is published, and tells its listeners what the test says has happened."""

    def __init__(self) -> None:
        self.local_participant = Participant()
        self._listeners: dict[str, list[Callable[..., None]]] = {}

    def on(self, event: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
        def register(listener: Callable[..., None]) -> Callable[..., None]:
            self._listeners.setdefault(event, []).append(listener)
            return listener

        return register

    def emit(self, event: str, *arguments: Any) -> None:
        for listener in self._listeners[event]:
            listener(*arguments)
