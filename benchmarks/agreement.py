"""The checks that contenders do the same work."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.errors import DisagreementError

Samples = npt.NDArray[Any]


def int16(data: Any) -> Samples:
    """The samples of a buffer of bytes or int16."""
    return np.frombuffer(data, np.int16)


def joined(frames: Any) -> Samples:
    """The samples of many frames in one row."""
    blocks = [int16(frame.data) for frame in frames]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.int16)


def same(name: str, expected: Any, got: Any, tolerance: float = 0) -> None:
    """Raises where two results differ by more than the tolerance anywhere."""
    wanted, found = np.asarray(expected), np.asarray(got)
    if wanted.shape != found.shape:
        raise DisagreementError(f"{name}: expected a result of shape {wanted.shape}, got {found.shape}")
    distance = np.abs(wanted.astype(np.float64) - found.astype(np.float64)).max(initial=0)
    if not distance <= tolerance:
        raise DisagreementError(f"{name}: differs from the expected result by {distance:g}, more than {tolerance:g}")


def same_sine(name: str, samples: Samples, freq: float, sample_rate: int, peak: float, noise_db: float) -> None:
    """Raises where the samples are not that sine wave, in any phase: its level is off by more than 0.15 dB, or what
    else there is is louder than `noise_db` below it. The first third is not looked at."""
    settled = samples[samples.size // 3 :].astype(np.float64)
    angles = 2 * np.pi * freq / sample_rate * np.arange(settled.size)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    factors = np.linalg.lstsq(waves, settled, rcond=None)[0]
    amplitude = float(np.hypot(*factors))
    level_db = 20 * np.log10(max(amplitude, 1e-9) / peak)
    rest_db = 20 * np.log10(max(float(np.std(settled - waves @ factors)), 1e-9) * np.sqrt(2) / max(amplitude, 1e-9))
    if not (abs(level_db) <= 0.15 and rest_db <= noise_db):
        raise DisagreementError(f"{name}: the sine is off by {level_db:.2f} dB, and the rest is at {rest_db:.1f} dB")
