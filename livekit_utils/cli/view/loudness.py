"""Measures loudness for reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils._kernels.loudness import MAX_CHANNELS, MAX_RATE, MIN_RATE, Loudness

if TYPE_CHECKING:
    from livekit_utils.files.samples import Samples


class LoudnessView:
    """Measures the loudness of samples as `livekit_utils.files.samples` describes them.

    Args:
        sample_rate: Hz.
        num_channels: 1 or more.

    Raises:
        ValueError: This cannot be measured; `can_measure` tells before.
    """

    def __init__(self, sample_rate: int, num_channels: int) -> None:
        self._kernel = Loudness(sample_rate, num_channels)

    @staticmethod
    def can_measure(sample_rate: int, num_channels: int) -> bool:
        """Returns whether there is a loudness for this rate and number of channels."""
        return MIN_RATE <= sample_rate <= MAX_RATE and 1 <= num_channels <= MAX_CHANNELS

    def add(self, samples: Samples) -> None:
        """Measures the next samples; floats may be above full scale."""
        samples = np.ascontiguousarray(samples)
        if samples.dtype == np.int16:
            self._kernel.push(samples.data)
        else:
            self._kernel.push_f32(samples.data)

    @property
    def integrated_lufs(self) -> float:
        """Of all samples; -inf for silence, and for less than 400 ms."""
        return self._kernel.integrated

    @property
    def loudness_range_lu(self) -> float:
        """Of all samples; 0 for less than 3 s."""
        return self._kernel.range

    @property
    def true_peak_dbtp(self) -> float:
        """Of all samples; -inf for silence."""
        return self._kernel.true_peak
