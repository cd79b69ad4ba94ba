"""AudioProcessingModuleStats: what AudioProcessingModule.stats() tells."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["AudioProcessingModuleStats"]


class Stages(NamedTuple):
    echo_cancellation: bool
    noise_suppression: bool
    high_pass_filter: bool
    auto_gain_control: bool
    noise_suppression_level: int
    max_gain_db: float

    def of_enhancer(self) -> Stages:
        """What makes no difference to noise suppression and gain control is left out."""
        return self._replace(echo_cancellation=False, high_pass_filter=False)


class AudioProcessingModuleStats(NamedTuple):
    """What processing does. Levels are those of the last second, in dB below full scale (a square wave), -100 at least.

    A reference is what `process_reverse_stream` was given.
    """

    input_level_db: float
    """Of the microphone."""
    output_level_db: float
    """Of what came out of it."""
    reference_level_db: float
    """Of the reference; -100 without echo cancellation."""
    erle_db: float | None
    """Echo return loss enhancement: by how much the canceller lowers the microphone, over the last second in which
    the reference was not silent. Who speaks meanwhile lowers the figure. None: no such second yet, or no canceller."""
    echo_delay_ms: float | None
    """How long after its reference an echo was heard in the last 2 s. None: none was."""
    speech_probability: float | None
    """Of the last 10 ms, 0 to 1. None where only the high-pass filter is at work, or nothing was processed."""
    gain_db: float
    """What gain control adds now; 0 without it."""
    reference_queued_ms: float
    """Reference that waits for the microphone."""
    reference_missing_ms: float
    """Microphone in all for which there was no reference, because nothing was playing or it came too late."""
    reference_dropped_ms: float
    """Reference in all that was left out, because the microphone paused or it came too late."""
    latency_ms: float
    """By how much what comes out lies behind what went in."""
