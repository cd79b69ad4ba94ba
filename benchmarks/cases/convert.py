"""int16 to float32 and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import noise
from benchmarks.target import Target
from livekit_utils._kernels.convert import f32_to_s16, s16_to_f32

_SCALE = np.float32(1 / 32768)


def experiments(effort: Effort) -> Iterator[Experiment]:
    for num_samples in (480, 4800, 480_000):
        yield _to_float(effort, num_samples)
        yield _to_int(effort, num_samples)


def _to_float(effort: Effort, num_samples: int) -> Experiment:
    samples = noise(num_samples)
    data = samples.tobytes()
    out, other, name = np.empty(num_samples, np.float32), np.empty(num_samples, np.float32), f"to_f32/{num_samples}"

    def check() -> None:
        expected = samples / 32768
        s16_to_f32(data, out.data)
        same(name, expected, out)
        same(name, expected, np.multiply(samples, _SCALE, out=other))
        same(name, expected, samples.astype(np.float32) * _SCALE)

    contenders = (
        Contender.timed(OURS, lambda: s16_to_f32(data, out.data)),
        Contender.timed("numpy", lambda: samples.astype(np.float32) * _SCALE),
        Contender.timed("numpy_in_place", lambda: np.multiply(samples, _SCALE, out=other)),
    )
    return Experiment(f"convert/{name}", contenders, check, effort.rounds)


def _to_int(effort: Effort, num_samples: int) -> Experiment:
    # A little beyond full scale, so that some saturate.
    samples: Any = (noise(num_samples) / np.float32(30000)).astype(np.float32)
    name = f"to_s16/{num_samples}"

    def with_numpy() -> Any:
        return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)

    def check() -> None:
        expected = np.clip(np.round(samples.astype(np.float64) * 32768), -32768, 32767)
        same(name, expected, int16(f32_to_s16(samples)))
        same(name, expected, with_numpy())

    converted, floats = bytes(f32_to_s16(samples)), samples.tobytes()
    contenders = (
        Contender.timed(OURS, lambda: f32_to_s16(samples)),
        Contender.timed("copy", lambda: bytearray(converted)),  # of the result
        Contender.timed("copy_of_input", lambda: bytearray(floats)),
        Contender.timed("numpy", with_numpy),
    )
    targets = (Target.ratio(1.5, "copy"),)
    return Experiment(f"convert/{name}", contenders, check, effort.rounds, (Quantity(targets=targets),))
