"""AudioMixerStreamStats: one stream in AudioMixerStats."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AudioMixerStreamStats"]


class AudioMixerStreamStats(NamedTuple):
    """One stream of a mixer."""

    samples_in: int
    """Samples per channel that it has delivered, at the mixer's rate."""
    late_blocks: int
    """Blocks that went out without it, because it was late."""
    queued_ms: float
    """What it has delivered and has not been mixed yet."""
    peak_dbfs: float
    """Peak of its part of the last block, before the gain; -inf is silence."""
    rms_dbfs: float
    """The same as RMS, against a full-scale square wave."""
