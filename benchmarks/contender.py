"""Contender: one way to do the work of an experiment."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from timeit import Timer
from typing import Any

import pyperf  # type: ignore[import-untyped]

OURS = "ours"

# Room for a single timing to find out how many loops it takes.
_MAX_LOOPS = 10_000_000


@dataclass(frozen=True)
class Contender:
    """A name, and how to take one sample.

    `sample` is given a number of loops and returns the value of each quantity for one operation of one loop.
    """

    name: str
    sample: Callable[[int], Mapping[str, float]]
    inner_loops: int = 1
    """Operations in one loop."""
    calibrated: bool = True
    """False: a sample takes as long as it takes, and is one loop."""

    @classmethod
    def timed(cls, name: str, function: Callable[[], object], *, inner_loops: int = 1) -> Contender:
        """Wall-clock time of a function."""
        # timeit switches the garbage collector off; a user does not.
        timer = Timer(function, setup="import gc; gc.enable()", timer=pyperf.perf_counter)
        return cls(name, lambda loops: {"": timer.timeit(loops) / (loops * inner_loops)}, inner_loops)

    @classmethod
    def cpu(cls, name: str, run: Callable[[], Awaitable[object]], *, inner_loops: int) -> Contender:
        """CPU time of the process, all threads, for a coroutine function."""

        async def measure(loops: int) -> int:
            start = time.process_time_ns()
            for _ in range(loops):
                await run()
            return time.process_time_ns() - start

        def sample(loops: int) -> Mapping[str, float]:
            return {"": asyncio.run(measure(loops)) / 1e9 / (loops * inner_loops)}

        return cls(name, sample, inner_loops)

    @classmethod
    def once(cls, name: str, function: Callable[[], Mapping[str, float]]) -> Contender:
        """Whatever the function finds out by running once."""
        return cls(name, lambda loops: function(), calibrated=False)

    def calibrate(self, seconds: float) -> int:
        """The number of loops that takes about so long; warms up on the way."""
        if not self.calibrated:
            return 1
        loops = 1
        while True:
            start = pyperf.perf_counter()
            self.sample(loops)
            elapsed: Any = pyperf.perf_counter() - start
            if elapsed >= seconds * 0.8 or loops >= _MAX_LOOPS:
                return loops
            loops = min(max(loops + 1, min(int(loops * seconds / max(elapsed, 1e-7)), loops * 10)), _MAX_LOOPS)
