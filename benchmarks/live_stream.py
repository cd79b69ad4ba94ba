"""LiveStream: a stream whose frames come from outside, as from a network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class LiveStream(AsyncIterator[Any]):
    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def deliver(self, frame: Any) -> None:
        self._queue.put_nowait(frame)

    async def __anext__(self) -> Any:
        return await self._queue.get()
