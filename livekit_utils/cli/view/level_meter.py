"""LevelMeter measures peak, RMS and clipping of a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils._kernels.level import level_s16

if TYPE_CHECKING:
    from livekit_utils.frames.audio_frame import AudioFrame

FULL_SCALE = 32768


class LevelMeter:
    """Measures the level of all channels together, exactly, in integers."""

    def __init__(self) -> None:
        self.num_values = 0
        self.peak = 0
        self.num_clipped = 0
        self._sum_of_squares = 0

    def add(self, frame: AudioFrame) -> None:
        """Measures the next frame."""
        peak, sum_of_squares = level_s16(frame)
        self.num_values += len(frame.data)
        self.peak = max(self.peak, peak)
        self._sum_of_squares += sum_of_squares
        if peak >= FULL_SCALE - 1:
            samples = np.asarray(frame.data)
            # -32767 is not clipping: a limiter or a gain may produce it, saturation does not.
            self.num_clipped += int(np.count_nonzero((samples == 32767) | (samples == -32768)))

    @property
    def peak_dbfs(self) -> float:
        """The peak in dBFS; 0 is a sample of -32768, -inf is silence."""
        return 20 * math.log10(self.peak / FULL_SCALE) if self.peak else -math.inf

    @property
    def rms_dbfs(self) -> float:
        """The RMS level in dBFS; 0 is a full-scale square wave, -3.01 a full-scale sine wave, -inf silence."""
        if not self._sum_of_squares:
            return -math.inf
        return 10 * math.log10(self._sum_of_squares / (self.num_values * FULL_SCALE**2))
