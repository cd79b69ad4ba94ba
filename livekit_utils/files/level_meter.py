"""LevelMeter measures peak, RMS and clipping of a stream."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils._kernels.level import level_s16

if TYPE_CHECKING:
    from livekit_utils.files.samples import Samples

FULL_SCALE = 32768


class LevelMeter:
    """Measures the level of all channels together: of int16 exactly, in integers."""

    def __init__(self) -> None:
        self.num_values = 0
        self.peak: float = 0
        """In steps of int16, also of floats."""
        self.num_clipped = 0
        self._sum_of_squares: float = 0

    def add(self, samples: Samples) -> None:
        """Measures the next samples, as `livekit_utils.files.samples` describes them."""
        self.num_values += samples.size
        if samples.dtype == np.int16:
            peak: float
            peak, sum_of_squares = level_s16(samples.data)
            self._sum_of_squares += sum_of_squares
            if peak >= FULL_SCALE - 1:
                # -32767 is not clipping: a limiter or a gain may produce it, saturation does not.
                self.num_clipped += int(np.count_nonzero((samples == 32767) | (samples == -32768)))
        else:
            # NaN is 0, infinity the largest float32.
            wide = np.nan_to_num(samples).astype(np.float64).ravel() * FULL_SCALE
            peak = float(np.abs(wide).max(initial=0))
            self._sum_of_squares += float(np.square(wide).sum())
        self.peak = max(self.peak, peak)

    @property
    def peak_dbfs(self) -> float:
        """The peak in dBFS; 0 is a sample of -32768, -inf is silence. Floats may be above 0."""
        return 20 * math.log10(self.peak / FULL_SCALE) if self.peak else -math.inf

    @property
    def rms_dbfs(self) -> float:
        """The RMS level in dBFS; 0 is a full-scale square wave, -3.01 a full-scale sine wave, -inf silence."""
        if not self._sum_of_squares:
            return -math.inf
        return 10 * math.log10(self._sum_of_squares / (self.num_values * FULL_SCALE**2))
