"""Effort: how long to measure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How long to measure; more gives steadier medians, the same rows."""

    rounds: int
    """Timings of each contender."""
    seconds: float
    """Length of one timing that is repeated in a loop."""
    slow_rounds: int
    """Timings of what takes a whole process."""
    live_rounds: int
    """Timings of what happens in real time."""
    live_seconds: float
    """Length of one of those."""
    drift_seconds: float
    """Length of what shows whether a clock drifts."""
    tones: int
    """Frequencies on either side of where a filter has to reject."""


FULL = Effort(rounds=15, seconds=0.03, slow_rounds=11, live_rounds=5, live_seconds=3.0, drift_seconds=60.0, tones=66)
QUICK = Effort(rounds=3, seconds=0.004, slow_rounds=3, live_rounds=1, live_seconds=1.0, drift_seconds=2.0, tones=5)
