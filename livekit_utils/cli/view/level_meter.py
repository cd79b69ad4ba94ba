"""LevelMeter: peak, RMS and clipping of a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils._kernels.level import level_s16

if TYPE_CHECKING:
    from livekit_utils.frames.audio_frame import AudioFrame

FULL_SCALE = 32768


class LevelMeter:
    """Measures exactly, in integers, over all channels."""

    def __init__(self) -> None:
        self.num_samples = 0
        self.peak = 0
        self.clipped_samples = 0
        self._sum_of_squares = 0

    def add(self, frame: AudioFrame) -> None:
        peak, sum_of_squares = level_s16(frame)
        self.num_samples += len(frame.data)
        self.peak = max(self.peak, peak)
        self._sum_of_squares += sum_of_squares
        if peak >= FULL_SCALE - 1:
            samples = np.asarray(frame.data)
            # Not -32767: a limiter or a gain may rightly end there, a saturation does not.
            self.clipped_samples += int(np.count_nonzero((samples == 32767) | (samples == -32768)))

    @property
    def peak_dbfs(self) -> float:
        """0 is a sample of -32768; -inf is silence."""
        return 20 * math.log10(self.peak / FULL_SCALE) if self.peak else -math.inf

    @property
    def rms_dbfs(self) -> float:
        """0 is a full-scale square wave, so that a full-scale sine wave has -3.01; -inf is silence."""
        if not self._sum_of_squares:
            return -math.inf
        return 10 * math.log10(self._sum_of_squares / (self.num_samples * FULL_SCALE**2))
