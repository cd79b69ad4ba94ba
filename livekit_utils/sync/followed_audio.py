"""FollowedAudio is the audio source that pictures are synchronized with."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable
from typing import Any, Protocol

from livekit_utils._runtime.arguments import check_finite
from livekit_utils._runtime.begun import begin
from livekit_utils._runtime.trouble import ENDS_PROGRAM, Trouble

# A source with less audio than this counts as empty, because floats round.
_EMPTY_S = 1e-4


class FollowedAudioSource(Protocol):
    """The part of an audio source that is used here."""

    @property
    def queued_duration(self) -> float: ...
    async def capture_frame(self, frame: Any) -> None: ...
    def clear_queue(self) -> object: ...
    async def wait_for_playout(self) -> None: ...


class FollowedAudio:
    """Wraps an audio source of any make, so that its errors and hangs do not stop the pictures.

    Asking for its queue never raises, and `release` ends every wait for it.
    """

    def __init__(self, source: FollowedAudioSource) -> None:
        self._source = source
        self._trouble = Trouble("AVSynchronizer: the audio source does not tell its time: %s")
        self._has_captured = False
        self._has_held = False
        self._waits: dict[asyncio.Timeout, asyncio.AbstractEventLoop] = {}  # `release` lets these expire

    @property
    def queued_s(self) -> float:
        """Seconds of audio that are left to play; 0 if the source fails to tell."""
        try:
            queued = check_finite("queued_duration", self._source.queued_duration)
        except ENDS_PROGRAM:
            raise
        except BaseException as error:
            self._trouble.failed(error, error=error)
            return 0.0
        if self._trouble.count:
            self._trouble.good()
        if queued > _EMPTY_S:
            self._has_held = True
        return queued if queued > 0.0 else 0.0

    @property
    def has_captured(self) -> bool:
        """Whether the source has taken a frame."""
        return self._has_captured

    @property
    def is_queue(self) -> bool:
        """Whether the source holds what it takes until it is played, as far as is known."""
        return self._has_held or not self._has_captured

    @property
    def num_errors(self) -> int:
        """How often the source failed to tell how much audio it has left."""
        return self._trouble.count

    def capture(self, frame: Any) -> Awaitable[bool] | None:
        """Hands a frame to the source. Returns None if it has taken the frame at once. Otherwise returns what is to be
        awaited: True when it has, False if released before."""
        rest = begin(self._source.capture_frame(frame))
        if rest is not None:
            return self._captured(rest)
        self._has_captured = True
        return None

    async def _captured(self, waiting: Awaitable[None]) -> bool:
        taken = await self._unless_released(waiting)
        self._has_captured |= taken
        return taken

    async def wait_for_playout(self) -> bool:
        """Returns True when all audio has been played, False if released before."""
        return await self._unless_released(self._source.wait_for_playout())

    def clear(self) -> None:
        """Discards the audio that is queued in the source."""
        self._source.clear_queue()

    def release(self) -> None:
        """Ends all waits of the running event loop. Those of other loops are gone with their loop."""
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
                raise  # the source's own
            return False
        finally:
            self._waits.pop(wait, None)
        return True
