"""A test tone: CPU time of the process per second of sound."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks import optional
from benchmarks.agreement import joined, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.target import Target
from livekit_utils import sine_wave_generator

_SECONDS = 5


def experiments(effort: Effort) -> Iterator[Experiment]:
    generators: dict[str, Callable[[float, float], Any]] = {OURS: sine_wave_generator}
    rtc = optional.sdk()
    if rtc is not None:
        generators["sdk"] = importlib.import_module("livekit.rtc.utils").sine_wave_generator

    def check() -> None:
        outputs = [joined(asyncio.run(_collect(generator))) for generator in generators.values()]
        for output in outputs:
            # The SDK's cuts off what ours rounds; either may be a step from the ideal.
            same("sine_wave", outputs[0], output, tolerance=2)

    contenders = tuple(
        Contender.cpu(name, _consumer(generator), inner_loops=_SECONDS) for name, generator in generators.items()
    )
    targets = (Target.ratio(0.3, "sdk"),)
    yield Experiment("sine_wave/48000", contenders, check, effort.rounds, (Quantity(targets=targets),))


def _consumer(generator: Callable[[float, float], Any]) -> Callable[[], Any]:
    async def consume() -> None:
        async for _ in generator(440, _SECONDS):
            pass

    return consume


async def _collect(generator: Callable[[float, float], Any]) -> list[Any]:
    return [frame async for frame in generator(440, _SECONDS)]
