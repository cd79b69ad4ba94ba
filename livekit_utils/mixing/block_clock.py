"""BlockClock calls for a block every block's time, by the clock of the event loop."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from weakref import WeakMethod

# A call that comes this late means that the event loop was held up: timers of an idle loop are 1 to 2 ms late.
_HELD_UP_S = 0.01

# Turns of a loop that was held up in which streams may deliver before the first overdue block.
_NUM_TURNS = 3

# Overdue blocks up to this are made up for at once. Who plays the mix has sound for about as long; what comes later
# would only be a delay.
_CATCH_UP_S = 0.5


class BlockClock:
    """Calls back at the end of every block's time: block k at `start + (k + 1) * block / sample_rate`.

    The times are multiples, so errors do not add up. After the event loop was held up, overdue blocks of up to 0.5 s
    are called for at once, a turn of the loop each, so that no time is lost; of a longer stall only the last block is,
    and the others are skipped and counted.

    Args:
        block: Samples per channel of a block.
        sample_rate: Hz.
        on_block: A bound method. The clock stops when its object is gone.
    """

    def __init__(self, block: int, sample_rate: int, on_block: Callable[[], None]) -> None:
        self._block = block
        self._sample_rate = sample_rate
        self._on_block = WeakMethod(on_block)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._start = 0.0
        self._number = 0  # of the next block
        self._num_turns = 0  # that were waited since the loop was held up
        self._timer: asyncio.Handle | None = None
        self.next_due = 0.0
        """The time of the next block."""
        self.num_skipped = 0
        """Blocks that were never called for."""

    def start(self) -> None:
        """Starts the clock in the running event loop, once."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._start = self._loop.time()
            self._skip(0)
            self._timer = self._loop.call_at(self.next_due, self._on_timer)

    def close(self) -> None:
        """Calls no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def now(self) -> float:
        """The loop's time."""
        return self._loop.time() if self._loop is not None else 0.0

    def _skip(self, num_blocks: int) -> None:
        self._number += num_blocks
        self.next_due = self._start + (self._number + 1) * self._block / self._sample_rate

    def _on_timer(self) -> None:
        assert self._loop is not None
        late_s = self._loop.time() - self.next_due
        if late_s <= _HELD_UP_S:
            self._num_turns = 0
        elif self._num_turns < _NUM_TURNS:
            self._num_turns += 1
            self._timer = self._loop.call_soon(self._on_timer)
            return
        if late_s > _CATCH_UP_S:
            num_overdue = math.floor(late_s * self._sample_rate / self._block)
            self._skip(num_overdue)
            self.num_skipped += num_overdue
        on_block = self._on_block()
        if on_block is None:
            self._timer = None
            return
        self._skip(1)
        # Before the call, which may close the clock.
        self._timer = self._loop.call_at(self.next_due, self._on_timer)
        on_block()
