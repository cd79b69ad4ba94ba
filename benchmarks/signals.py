"""What is measured with: the same samples every time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def noise(num_samples: int, seed: int = 1) -> npt.NDArray[np.int16]:
    """Full-scale white noise, of which a few make a mix that saturates."""
    return np.random.default_rng(seed).integers(-32768, 32767, num_samples, np.int16, endpoint=True)


def sine(freq: float, sample_rate: int, seconds: float, peak: float) -> npt.NDArray[np.int16]:
    angles = 2 * np.pi * freq / sample_rate * np.arange(round(seconds * sample_rate))
    samples: npt.NDArray[np.int16] = np.round(peak * np.sin(angles)).astype(np.int16)
    return samples


def frames(frame_type: Any, samples: npt.NDArray[np.int16], sample_rate: int = 48000) -> list[Any]:
    """Mono frames of 10 ms, of the class given."""
    size = sample_rate // 100
    starts = range(0, samples.size, size)
    return [frame_type(samples[at : at + size].tobytes(), sample_rate, 1, size) for at in starts]
