"""Mixing: blocks of int16 into queues, and from the queues to one, saturated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import optional
from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.read_loop import ReadLoop
from benchmarks.signals import noise
from benchmarks.target import Target
from livekit_utils._kernels.gain_queue import GainQueue, mix

_SIZES = ((8, 4800), (2, 480), (32, 480), (128, 480))
_GAIN = 0.5


def experiments(effort: Effort) -> Iterator[Experiment]:
    for num_streams, num_samples in _SIZES:
        yield _experiment(effort, num_streams, num_samples)


def _experiment(effort: Effort, num_streams: int, num_samples: int) -> Experiment:
    arrays = [noise(num_samples, seed) for seed in range(num_streams)]
    blocks = [array.tobytes() for array in arrays]
    name = f"mix/{num_streams}x{num_samples}"
    contenders = [
        Contender.timed(OURS, _queues(blocks)),
        Contender.timed("numpy", lambda: _stack_and_sum(arrays)),
        Contender.timed("numpy_in_place", lambda: _accumulate(arrays)),
    ]
    read = ReadLoop(blocks) if ReadLoop.available() else None
    if read is None:
        optional.leave_out("the loop that only reads", "install a C compiler that answers to cc")
    else:
        contenders.append(Contender.timed("read", read))

    def check() -> None:
        expected = np.clip(np.stack(arrays).astype(np.int64).sum(axis=0), -32768, 32767)
        same(name, expected, int16(_queues(blocks)()))
        same(name, expected, _stack_and_sum(arrays))
        same(name, expected, _accumulate(arrays))
        if read is not None:
            words = np.bitwise_xor.reduce(np.stack(arrays).view(np.uint64), axis=None)
            same(name, np.uint64(read()) ^ words, 0)

    targets = (Target.ratio(1, "numpy"),)
    return Experiment(name, tuple(contenders), check, effort.rounds, (Quantity(targets=targets),))


def gain_experiments(effort: Effort) -> Iterator[Experiment]:
    """The same with a gain for each block."""
    arrays = [noise(4800, seed) for seed in range(8)]
    blocks = [array.tobytes() for array in arrays]
    gains = [_GAIN] * len(blocks)

    def check() -> None:
        expected = np.clip(np.round(np.stack(arrays).astype(np.float64).sum(axis=0) * _GAIN), -32768, 32767)
        # One step: how a tie is rounded is not what is compared.
        same("mix_gain", expected, int16(_queues(blocks, _GAIN)()), tolerance=1)
        same("mix_gain", expected, _float_mix(arrays, gains), tolerance=1)

    contenders = (
        Contender.timed(OURS, _queues(blocks, _GAIN)),
        Contender.timed("numpy", lambda: _float_mix(arrays, gains)),
    )
    yield Experiment("mix_gain/8x4800", contenders, check, effort.rounds)


def _queues(blocks: list[bytes], gain: float = 1.0) -> Callable[[], bytearray]:
    queues = [GainQueue(1, gain) for _ in blocks]
    samples_per_channel = len(blocks[0]) // 2

    def step() -> bytearray:
        for queue, block in zip(queues, blocks, strict=True):
            queue.push(block)
        return mix(queues, samples_per_channel, 1)

    return step


def _stack_and_sum(arrays: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.int16]:
    total = np.sum(np.stack(arrays), axis=0, dtype=np.int32)
    return np.clip(total, -32768, 32767).astype(np.int16)


def _accumulate(arrays: list[npt.NDArray[np.int16]]) -> npt.NDArray[np.int16]:
    total = np.zeros(arrays[0].size, np.int32)
    for array in arrays:
        total += array
    np.clip(total, -32768, 32767, out=total)
    return total.astype(np.int16)


def _float_mix(arrays: list[npt.NDArray[np.int16]], gains: list[float]) -> npt.NDArray[np.int16]:
    total: Any = np.zeros(arrays[0].size, np.float32)
    for array, gain in zip(arrays, gains, strict=True):
        total += array * np.float32(gain)
    np.rint(total, out=total)
    np.clip(total, -32768, 32767, out=total)
    mixed: npt.NDArray[np.int16] = total.astype(np.int16)
    return mixed
