"""FollowedAudio: the audio source that pictures go by."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable
from typing import Any, Protocol

from livekit_utils._runtime.arguments import check_finite

logger = logging.getLogger("livekit_utils")


class FollowedAudioSource(Protocol):
    """What is used of an audio source."""

    @property
    def queued_duration(self) -> float: ...
    async def capture_frame(self, frame: Any) -> None: ...
    def clear_queue(self) -> object: ...
    async def wait_for_playout(self) -> None: ...


class FollowedAudio:
    """An audio source of whatever make, whose time may be asked without fear, and for which nobody waits longer than
    until `release`."""

    def __init__(self, source: FollowedAudioSource) -> None:
        self._source = source
        self._failing = False
        self._waits: dict[asyncio.Timeout, asyncio.AbstractEventLoop] = {}  # these expire with `release`

    @property
    def queued_s(self) -> float:
        """What is left to play; nothing where the source does not know, which is logged."""
        try:
            queued = check_finite("queued_duration", self._source.queued_duration)
        except Exception as error:
            if not self._failing:
                self._failing = True
                logger.error("AVSynchronizer: the audio source does not tell its time: %s", error, exc_info=error)
            return 0.0
        self._failing = False
        return max(queued, 0.0)

    async def capture(self, frame: Any) -> bool:
        """Returns when the source has taken the frame, False if released before."""
        return await self._unless_released(self._source.capture_frame(frame))

    async def wait_for_playout(self) -> bool:
        """Returns when all has been played, False if released before."""
        return await self._unless_released(self._source.wait_for_playout())

    def clear(self) -> None:
        self._source.clear_queue()

    def release(self) -> None:
        """Whoever waits goes on, unless their event loop is gone."""
        for wait, loop in self._waits.items():
            if loop is asyncio.get_running_loop():
                wait.reschedule(-math.inf)

    async def _unless_released(self, waiting: Awaitable[None]) -> bool:
        wait = asyncio.timeout(None)
        try:
            async with wait:
                self._waits[wait] = asyncio.get_running_loop()
                await waiting
        except TimeoutError:
            if not wait.expired():
                raise  # it is the source's own
            return False
        finally:
            self._waits.pop(wait, None)
        return True
