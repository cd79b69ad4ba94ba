"""Samples as they come out of a file, and how they become frames.

Samples are an array of (samples_per_channel, num_channels): int16 where the file has at most 16 bits, which are exact,
and float32 with a full scale of 1.0 for all others, which may be above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from livekit_utils._kernels.convert import f32_to_s16
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Iterable

Samples: TypeAlias = npt.NDArray[Any]

# The largest float32 that is rounded to 32767, and the smallest that is rounded to -32768.
_HIGHEST = np.float32(32767.5 / 32768)
_LOWEST = np.float32(-32768.5 / 32768)


def as_floats(samples: Samples) -> npt.NDArray[np.float32]:
    """Returns samples with a full scale of 1.0; those that are so already as they are."""
    if samples.dtype == np.float32:
        return samples
    return samples.astype(np.float32) * np.float32(1 / 32768)


def peak_of(blocks: Iterable[Samples]) -> float:
    """Returns the highest absolute value of a sound, where 1.0 is full scale; 0 of no sound."""
    return max((float(np.abs(as_floats(samples)).max(initial=0)) for samples in blocks), default=0.0)


def as_frame(samples: Samples, sample_rate: int, gain: float = 1.0) -> tuple[AudioFrame, int]:
    """Returns samples as a frame, and how many of them were clipped.

    Args:
        samples: Those of one block.
        sample_rate: Hz.
        gain: A factor, for float samples only; it comes before they are rounded, to the nearest, and saturated.
    """
    num_frames, num_channels = samples.shape
    if samples.dtype == np.int16:
        return AudioFrame(samples, sample_rate, num_channels, num_frames), 0
    if gain != 1.0:
        samples = samples * np.float32(gain)
    # NaN is 0, and counts.
    num_clipped = samples.size - int(np.count_nonzero((samples > _LOWEST) & (samples < _HIGHEST)))
    return AudioFrame(f32_to_s16(samples.data), sample_rate, num_channels, num_frames), num_clipped
