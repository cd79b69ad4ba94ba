"""LiveRun: what came of streams that arrived in real time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import DisagreementError
from benchmarks.live_source import WARM_UP_TICKS, LiveSource
from benchmarks.live_stream import LiveStream


@dataclass(frozen=True)
class LiveRun:
    cpu_s: float
    """CPU time of the process per second of audio."""
    delays: dict[int, float]
    """By tick: seconds from its last frame's arrival to whoever waits for it."""

    def delays_of(self, ticks: Iterable[int]) -> list[float]:
        """Sorted. A tick that has not come out while the streams ran is missing."""
        return sorted(self.delays[tick] for tick in ticks if tick in self.delays)

    @property
    def settled(self) -> list[float]:
        """All delays after the warm-up, sorted."""
        return self.delays_of(tick for tick in self.delays if tick >= WARM_UP_TICKS)

    @classmethod
    async def of_mixer(cls, source: LiveSource, make_mixer: Callable[[], Any]) -> LiveRun:
        """The streams into a mixer, its blocks to a reader.

        Raises:
            DisagreementError: The blocks are not the sum of the streams, tick by tick.
        """
        mixer = make_mixer()
        for stream in source.streams:
            mixer.add_stream(stream)
        received: list[tuple[float, int]] = []

        async def read() -> None:
            async for block in mixer:
                received.append((time.perf_counter(), block.data[0]))

        reader = asyncio.create_task(read())
        await source.run()
        await mixer.aclose()
        reader.cancel()
        await asyncio.wait([reader])
        if not reader.cancelled():
            reader.result()
        return cls(source.cpu_s, _delays(source, received))

    @classmethod
    async def of_readers(cls, source: LiveSource) -> LiveRun:
        """The streams into a task each that does nothing with them. The last stream's wakes last."""
        received: list[tuple[float, int]] = []

        async def read(stream: LiveStream) -> None:
            async for _ in stream:
                pass

        async def read_last(stream: LiveStream) -> None:
            async for frame in stream:
                received.append((time.perf_counter(), frame.data[0]))

        tasks = [asyncio.create_task(read(stream)) for stream in source.streams[:-1]]
        tasks.append(asyncio.create_task(read_last(source.streams[-1])))
        await source.run()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        return cls(
            source.cpu_s, {tick: at - arrived for (at, tick), arrived in zip(received, source.arrivals, strict=True)}
        )


def _delays(source: LiveSource, received: list[tuple[float, int]]) -> dict[int, float]:
    delays = {}
    for expected, (at, sample) in enumerate(received):
        if source.tick_of(sample) != expected:
            raise DisagreementError(f"block {expected} of the live mix is of tick {source.tick_of(sample):g}")
        delays[expected] = at - source.arrivals[expected]
    if len(delays) < WARM_UP_TICKS:
        raise DisagreementError(f"the live mix gave only {len(delays)} blocks")
    return delays
