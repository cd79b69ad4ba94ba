"""The peak and the sum of the squares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.agreement import same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.signals import noise
from livekit_utils._kernels.level import level_s16


def experiments(effort: Effort) -> Iterator[Experiment]:
    for num_samples in (480, 4800):
        yield _experiment(effort, num_samples)


def _experiment(effort: Effort, num_samples: int) -> Experiment:
    samples = noise(num_samples)
    data = samples.tobytes()

    def check() -> None:
        same("level", _with_numpy(samples), level_s16(data))

    contenders = (
        Contender.timed(OURS, lambda: level_s16(data)),
        Contender.timed("numpy", lambda: _with_numpy(samples)),
    )
    return Experiment(f"level/{num_samples}", contenders, check, effort.rounds)


def _with_numpy(samples: npt.NDArray[np.int16]) -> tuple[int, int]:
    # A float64 holds these sums exactly, and its dot product is the fastest that numpy has.
    wide = samples.astype(np.float64)
    return int(np.abs(wide).max()), int(np.dot(wide, wide))
