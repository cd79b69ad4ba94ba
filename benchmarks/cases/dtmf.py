"""DtmfDetector, 10 ms of speech-like noise; numpy measures the eight tones only, in two windows."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.agreement import same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.signals import frames, noise
from livekit_utils import AudioFrame, DtmfDetector, dtmf_generator
from livekit_utils._kernels.dtmf import Dtmf
from livekit_utils.signals.dtmf import DIGITS, HIGH_HZ, LOW_HZ


def experiments(effort: Effort) -> Iterator[Experiment]:
    for sample_rate in (8000, 48000):
        yield _experiment(effort, sample_rate)


def _experiment(effort: Effort, sample_rate: int) -> Experiment:
    [frame] = frames(AudioFrame, noise(sample_rate // 100), sample_rate)
    detector, kernel = DtmfDetector(sample_rate), Dtmf(sample_rate)
    window = noise(kernel.window).astype(np.float32)
    positions = np.arange(window.size) + 0.5 - window.size / 2
    weights = 1 + np.cos(2 * np.pi * positions / window.size)
    turns = np.outer((*LOW_HZ, *HIGH_HZ), positions / sample_rate)
    tables = np.concatenate([np.cos(2 * np.pi * turns), -np.sin(2 * np.pi * turns)]).astype(np.float32)
    tables *= weights.astype(np.float32)

    def check() -> None:
        same("dtmf", list(DIGITS.encode()), list(asyncio.run(_found(sample_rate)).encode()))
        re, im, _ = kernel.measure(window.data)
        tolerance = 1e-5 * 32768 * window.size
        same("dtmf", _with_numpy(tables, window), np.concatenate([re, im]), tolerance=tolerance)

    def two_windows() -> None:
        _with_numpy(tables, window)
        _with_numpy(tables, window)

    contenders = (Contender.timed(OURS, lambda: detector.push(frame)), Contender.timed("numpy", two_windows))
    return Experiment(f"dtmf/{sample_rate}", contenders, check, effort.rounds)


def _with_numpy(tables: npt.NDArray[np.float32], window: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    # Not the matrix product, whose threads go on spinning when it is done.
    measured: npt.NDArray[np.float32] = np.einsum("ij,j->i", tables, window)
    return measured


async def _found(sample_rate: int) -> str:
    detector, found = DtmfDetector(sample_rate), ""
    async for frame in dtmf_generator(DIGITS, sample_rate=sample_rate):
        found += "".join([digit.digit for digit in detector.push(frame)])
    return found
