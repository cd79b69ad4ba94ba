"""Turn: one task after another, where taking a free turn costs no wait."""

from __future__ import annotations

import asyncio
from collections import deque


class Turn:
    """A lock for the tasks of one event loop. First come, first served."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.is_taken = False

    def take_at_once(self) -> bool:
        """Takes the turn if it is free, and returns whether it was."""
        if self.is_taken:
            return False
        self.is_taken = True
        return True

    async def take(self) -> None:
        """Returns when it is the caller's turn."""
        if self.take_at_once():
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append(mine)
        try:
            await mine
        except BaseException:  # a cancellation, or the end of the loop
            if mine.done() and not mine.cancelled():
                self.give_back()
            raise

    def give_back(self) -> None:
        """Ends the caller's turn: the next one has it."""
        while self._waiting:
            following = self._waiting.popleft()
            if not following.done() and not following.get_loop().is_closed():
                following.set_result(None)
                return
        self.is_taken = False
