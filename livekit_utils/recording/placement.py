"""Placement: finds where the frames of a live stream lie on the clock, by the times at which they come.

A frame comes when it is over, or later; never earlier. So the frames that come soonest show where a run of them lies.
A frame that is late is held, until the frames behind it show why. If they come faster than real time, until one of them
is in time again, the stream was held up: the run goes on without a gap. If all of them stay as late, the stream has
paused, and the run moves on by as much.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# A stream that comes so much later than before, and stays so, has moved; in seconds. Less is jitter, or drift.
TOLERATED_S = 0.01

# Time in seconds that a frame waits for those behind it. It waits for longer, to `_LONGEST_S`, while they come less and
# less late: by `_PROGRESS_S` at least in that time.
_PATIENCE_S = 1.0
_PROGRESS_S = 0.005
_LONGEST_S = 10.0


@dataclass(slots=True)
class _Held(Generic[T]):
    item: T
    duration_s: float
    came_at: float
    slack: float  # the time at which it came, less the length of the stream until its end


class Placement(Generic[T]):
    """The places of one stream's frames. All times are seconds on the clock of the recording.

    Args:
        begin_s: Where the stream begins at the earliest.
    """

    def __init__(self, begin_s: float) -> None:
        self._offset = begin_s  # the place of the stream's beginning, less its gaps
        self._length_s = 0.0  # of what was placed
        self._held: deque[_Held[T]] = deque()
        self._held_s = 0.0
        self._least = math.inf  # the least slack of those that are held
        self._progress_at = 0.0
        self.lag_s = 0.0
        """How much later than its place the last frame that was placed came."""

    @property
    def end_s(self) -> float:
        """Where the next frame lies if there is no gap."""
        return self._offset + self._length_s

    @property
    def is_undecided(self) -> bool:
        """Whether frames are held."""
        return bool(self._held)

    def arrive(self, item: T, duration_s: float, now_s: float) -> list[tuple[T, float | None]]:
        """Takes a frame that came now. Returns the frames whose place is found, in order: each with None if it follows
        the one before, or with its begin after a gap."""
        slack = now_s - (self._length_s + self._held_s + duration_s)
        if not self._held:
            if slack - self._offset <= TOLERATED_S:
                self._length_s += duration_s
                self.lag_s = slack - self._offset
                return [(item, None)]
            self._least, self._progress_at = slack, now_s
        self._held.append(_Held(item, duration_s, now_s, slack))
        self._held_s += duration_s
        if slack < self._least - _PROGRESS_S:
            self._progress_at = now_s
        self._least = min(self._least, slack)
        return self.settle(now_s)

    def settle(self, now_s: float) -> list[tuple[T, float | None]]:
        """Returns the frames whose place is found by now; infinity finds all."""
        placed: list[tuple[T, float | None]] = []
        while self._held:
            if self._least - self._offset <= TOLERATED_S:
                self._place_in_time(placed)
            elif now_s - self._progress_at >= _PATIENCE_S or now_s - self._held[0].came_at >= _LONGEST_S:
                self._offset = self._least
                first, begin_s = len(placed), self.end_s
                self._place_in_time(placed)
                placed[first] = (placed[first][0], begin_s)
            else:
                break
        return placed

    def _place_in_time(self, placed: list[tuple[T, float | None]]) -> None:
        """Places the frames up to the last one that is in time: those before it only came late."""
        held = list(self._held)
        last = max(i for i, frame in enumerate(held) if frame.slack - self._offset <= TOLERATED_S)
        for frame in held[: last + 1]:
            self._length_s += frame.duration_s
            self._held_s -= frame.duration_s
            placed.append((frame.item, None))
        self.lag_s = held[last].slack - self._offset
        self._held = deque(held[last + 1 :])
        if not self._held:
            self._held_s = 0.0
            return
        self._least, self._progress_at = math.inf, self._held[0].came_at
        for frame in self._held:
            if frame.slack < self._least - _PROGRESS_S:
                self._progress_at = frame.came_at
            self._least = min(self._least, frame.slack)

    def keep(self, item: T) -> None:
        """Holds this in place of the frame that came last."""
        self._held[-1].item = item

    def place(self, end_s: float) -> None:
        """Has the next frame lie there if there is no gap."""
        self._offset = end_s - self._length_s

    def not_before(self, begin_s: float) -> None:
        """Has the next frame lie there at the earliest; not while frames are held."""
        self._offset = max(self._offset, begin_s - self._length_s)

    def slip(self, seconds: float) -> None:
        """Moves what comes next, because what was placed has become longer or shorter."""
        self._offset += seconds
