"""How late a reader gets each 10 ms that an AudioSource plays, by a clock that began with the first capture.

`drift` is by how much that grows per second of audio, without its sign. `bare` is the event loop's own timer.
What the benchmarks have imported is kept from the garbage collector, which would stop everything for 30 ms at times.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

import livekit_utils
from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.live_source import SAMPLES, TICK_S
from benchmarks.quantity import Quantity
from benchmarks.target import Target

_RATE = 48000

# Not zero: a file of results has no room for that.
_LEAST = 1e-12

# Timers are late by 0 to 2 ms and never early, so a clock shows in the least delay of so many ticks.
_BLOCK = 50

# Half a second in a day. A minute of timers that do not drift has shown up to 3.3e-6: that much is noise.
_NO_DRIFT = 5e-6

Run = Callable[[int], Coroutine[Any, Any, Sequence[float]]]
"""Given the number of ticks, how late each was, in seconds."""


def experiments(effort: Effort) -> Iterator[Experiment]:
    num_ticks = round(effort.drift_seconds / TICK_S)
    runs: list[tuple[str, Run]] = [(OURS, _source_run(OURS, livekit_utils))]
    rtc = optional.sdk()
    if rtc is not None:
        runs.append(("sdk", _source_run("sdk", rtc)))
    runs.append(("bare", _timers))

    def contender(name: str, run: Run) -> Contender:
        def sample() -> Mapping[str, float]:
            gc.freeze()
            try:
                return _summary(asyncio.run(run(num_ticks)))
            finally:
                gc.unfreeze()

        return Contender.once(name, sample)

    def check() -> None:
        """Every run checks itself: all frames come, in order."""

    quantities = (
        Quantity("p50"),
        Quantity("p99", targets=(Target.value(0.002), Target.excess(0.0005, contender="bare"))),
        Quantity("max"),
        Quantity("drift", targets=(Target.value(_NO_DRIFT),)),
    )
    yield Experiment("audio_source_pacing", tuple(contender(*run) for run in runs), check, 1, quantities)


def _summary(delays: Sequence[float]) -> Mapping[str, float]:
    least = np.array(delays[: len(delays) // _BLOCK * _BLOCK]).reshape(-1, _BLOCK).min(axis=1)
    slope = np.polyfit(np.arange(least.size) * _BLOCK * TICK_S, least, 1)[0]
    p50, p99, most = np.percentile(delays, (50, 99, 100))
    values = {"p50": p50, "p99": p99, "max": most, "drift": abs(slope)}
    return {name: max(float(value), _LEAST) for name, value in values.items()}


def _source_run(name: str, package: Any) -> Run:
    async def run(num_ticks: int) -> Sequence[float]:
        # The sample value tells the tick; 0 is silence, which the SDK plays where there is nothing else.
        signal = [
            package.AudioFrame((tick + 1).to_bytes(2, "little") * SAMPLES, _RATE, 1, SAMPLES)
            for tick in range(num_ticks)
        ]
        source = package.AudioSource(_RATE, 1)
        track = package.LocalAudioTrack.create_audio_track("benchmark", source)
        stream = package.AudioStream(track, sample_rate=_RATE, num_channels=1)
        received: list[tuple[float, int]] = []

        async def read() -> None:
            async for event in stream:
                value = event.frame.data[0]
                if value:
                    received.append((time.perf_counter(), value))
                if value == num_ticks:
                    return

        reader = asyncio.create_task(read())
        await asyncio.sleep(TICK_S)
        start = time.perf_counter()
        for frame in signal:
            await source.capture_frame(frame)
        await asyncio.wait_for(reader, 10)
        await stream.aclose()
        await source.aclose()
        if [value for _, value in received] != list(range(1, num_ticks + 1)):
            raise DisagreementError(f"audio_source_pacing/{name}: {num_ticks} frames gave {len(received)}, or disorder")
        return [at - start - (value - 1) * TICK_S for at, value in received]

    return run


async def _timers(num_ticks: int) -> Sequence[float]:
    loop = asyncio.get_running_loop()
    start = loop.time()
    delays = []
    for tick in range(num_ticks):
        due = start + tick * TICK_S
        waiter = loop.create_future()
        loop.call_at(due, waiter.set_result, None)
        await waiter
        delays.append(loop.time() - due)
    return delays
