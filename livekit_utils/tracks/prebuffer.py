"""Prebuffer: decides how long a source holds the head of an utterance, so that it does not run dry in the middle."""

from __future__ import annotations

from collections import deque
from typing import Literal

from livekit_utils._runtime.arguments import check_ms

# What comes this long after a source ran dry begins a new utterance, though nobody said that the last one was over.
_PAUSE_S = 1.0

# "auto": where it begins, and its limits. An event loop alone makes a sender uneven by some milliseconds.
_FIRST_S = 0.25
_LEAST_S = 0.02
_MOST_S = 0.3

# "auto": more than was needed is held, because the next utterance may be a little worse.
_SAFETY = 1.25

# "auto": this many utterances are remembered, and a long one is taken for several.
_NUM_REMEMBERED = 4
_LONG_S = 10.0

# "auto": less is held by this factor after an utterance that needed less.
_LOWERED = 0.7


class Prebuffer:
    """Holds the head of an utterance until as much is queued as is to be held, or that much time has passed.

    An utterance begins with the first audio after a silence, or after the one before was said to be over, of which some
    may still be played. It ends when it is said to be over, or when nothing comes for a second after all of it was
    played. Audio that comes before that, after the source ran dry, is an underrun.

    What an utterance needed is the greatest delay of its audio behind its first frame: with so much held, it would not
    have run dry. "auto" holds a quarter more than the last utterances needed and 20 ms, but not above 300 ms. It grows
    at once and comes back by 30 % with each utterance.

    It has no clock: times are passed in, in seconds of one monotonic clock.

    Args:
        hold_s: Seconds of audio to hold; None is "auto".
        most_s: Seconds of audio that can be queued.
    """

    @classmethod
    def of(cls, prebuffer_ms: float | Literal["auto"], queue_size_s: float) -> Prebuffer:
        """Returns what the argument of AudioSource says.

        Raises:
            ValueError: More than can be queued.
            TypeError: Neither a number nor "auto".
        """
        if prebuffer_ms != "auto":
            return cls(check_ms("prebuffer_ms", prebuffer_ms, queue_size_s * 1000) / 1000, queue_size_s)
        if not queue_size_s:
            raise ValueError('prebuffer_ms: expected 0 without a queue, got "auto"')
        return cls(None, queue_size_s)

    def __init__(self, hold_s: float | None, most_s: float) -> None:
        self._adapts = hold_s is None
        self._most_s = min(most_s, _MOST_S) if hold_s is None else most_s
        self.hold_s = min(_FIRST_S if hold_s is None else hold_s, self._most_s)
        """Seconds of audio that are held."""
        self.num_underruns = 0
        self._head_at: float | None = None  # when the first audio of the utterance came
        self._came_s = 0.0  # audio since then
        self._noted_s = 0.0  # of it, what `_needs` covers
        self._need_s = 0.0
        self._needs: deque[float] = deque(maxlen=_NUM_REMEMBERED)
        self._dry_at: float | None = None  # when the source ran dry in the middle of an utterance
        self.is_over = False
        """Whether the utterance is over, and no other has begun."""
        self.is_holding = False
        """Whether the head was held when `holds` looked last, and nothing has released it."""

    def come(self, duration_s: float, now: float) -> bool:
        """Notes audio that is queued; returns whether an utterance begins with it."""
        if self._dry_at is not None:
            if now - self._dry_at < _PAUSE_S:
                self.num_underruns += 1
                self._note_delay(now)
            self._note_need()
            self._dry_at = self._head_at = None
        elif self.is_over:
            self._head_at = None
        begins = self._head_at is None
        if begins:
            self._head_at, self._came_s, self._noted_s = now, 0.0, 0.0
            self.is_over, self.is_holding = False, self.hold_s > 0
        self._note_delay(now)
        self._came_s += duration_s
        if self._came_s - self._noted_s > _LONG_S:
            self._noted_s = self._came_s
            self._note_need()
        return begins

    def holds(self, queued_s: float, now: float) -> bool:
        """Whether the head, of whose utterance so much is queued, has to wait. Once it has not, it never has."""
        self.is_holding = self.is_holding and queued_s < self.hold_s and now < self.until
        return self.is_holding

    @property
    def until(self) -> float:
        """The time up to which the head is held at the latest."""
        return (self._head_at or 0.0) + self.hold_s

    def shift(self, by_s: float, now: float) -> None:
        """Nothing was played for so long, until now, because somebody wanted it so: all times move."""
        if self._head_at is not None:
            self._head_at = min(self._head_at + by_s, now)
        if self._dry_at is not None:
            self._dry_at = min(self._dry_at + by_s, now)

    def release(self) -> None:
        """Holds the head no longer."""
        self.is_holding = False

    def end_utterance(self) -> None:
        """The utterance is over: nothing more of it comes."""
        self.is_holding, self._dry_at = False, None
        if self._head_at is not None and not self.is_over:
            self.is_over = True
            self._note_need()

    def run_dry(self, at: float) -> None:
        """All that was queued has been played."""
        if not self.is_over:
            self._dry_at = at
        else:
            self._head_at = None

    def _note_delay(self, now: float) -> None:
        if self._head_at is not None:
            delay_s = now - self._head_at - self._came_s
            if delay_s > self._need_s:  # not `max`, which takes as long as the rest
                self._need_s = delay_s

    def _note_need(self) -> None:
        self._needs.append(self._need_s)
        self._need_s = 0.0
        if self._adapts:
            self.hold_s = max(self._wanted(max(self._needs)), self.hold_s * _LOWERED)

    def _wanted(self, need_s: float) -> float:
        return min(need_s * _SAFETY + _LEAST_S, self._most_s)
