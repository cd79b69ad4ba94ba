"""Mono to stereo and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.signals import noise
from livekit_utils._kernels.channels import downmix_s16, upmix_s16


def experiments(effort: Effort) -> Iterator[Experiment]:
    for num_frames in (480, 4800):
        yield _upmix(effort, num_frames)
        yield _downmix(effort, num_frames)


def _upmix(effort: Effort, num_frames: int) -> Experiment:
    samples = noise(num_frames)
    data = samples.tobytes()

    def check() -> None:
        same("upmix", np.repeat(samples, 2), int16(upmix_s16(data, 2)))

    contenders = (
        Contender.timed(OURS, lambda: upmix_s16(data, 2)),
        Contender.timed("numpy", lambda: np.repeat(samples, 2)),
    )
    return Experiment(f"channels/1_to_2/{num_frames}", contenders, check, effort.rounds)


def _downmix(effort: Effort, num_frames: int) -> Experiment:
    samples = noise(2 * num_frames)
    data, pairs = samples.tobytes(), samples.reshape(-1, 2)

    def with_numpy() -> Any:
        return ((pairs.sum(axis=1, dtype=np.int32) + 1) >> 1).astype(np.int16)

    def two_columns() -> Any:
        return ((pairs[:, 0].astype(np.int32) + pairs[:, 1] + 1) >> 1).astype(np.int16)

    def check() -> None:
        expected = np.floor(pairs.mean(axis=1) + 0.5)
        same("downmix", expected, int16(downmix_s16(data, 2)))
        same("downmix", expected, with_numpy())
        same("downmix", expected, two_columns())

    contenders = (
        Contender.timed(OURS, lambda: downmix_s16(data, 2)),
        Contender.timed("numpy", with_numpy),
        Contender.timed("numpy_columns", two_columns),
    )
    return Experiment(f"channels/2_to_1/{num_frames}", contenders, check, effort.rounds)
