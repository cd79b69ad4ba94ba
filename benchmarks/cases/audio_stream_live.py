"""One AudioSource that plays in real time to 32 streams, each read by its own task: CPU time of the process per second.

The source is fed by a task that captures without a pause, and so is slowed down to real time. `bare` puts every frame
into a queue of asyncio for each reader, and converts nothing: it shows what it takes to wake so many tasks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import livekit_utils
from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.live_source import SAMPLES, TICK_S, WARM_UP_TICKS, LiveSource
from benchmarks.live_stream import LiveStream
from benchmarks.quantity import Quantity
from benchmarks.signals import frames, noise
from benchmarks.stopwatch import Stopwatch
from benchmarks.target import Target
from livekit_utils import AudioFrame

_RATE = 48000
_STREAMS = 32

# As the source, another rate, and several: each stream in turn asks for the next one.
_OUTPUT_RATES = {"48000": (48000,), "16000": (16000,), "mixed": (48000, 16000, 24000, 8000)}


def experiments(effort: Effort) -> Iterator[Experiment]:
    packages: list[tuple[str, Any]] = [(OURS, livekit_utils)]
    rtc = optional.sdk()
    if rtc is not None:
        packages.append(("sdk", rtc))
    for kind, rates in _OUTPUT_RATES.items():
        yield _experiment(effort, kind, rates, packages)


def _experiment(effort: Effort, kind: str, rates: tuple[int, ...], packages: list[tuple[str, Any]]) -> Experiment:
    name = f"audio_stream_live/{_STREAMS}x{kind}"

    def once(contender: str, run: Callable[[], Coroutine[Any, Any, float]]) -> Contender:
        return Contender.once(contender, lambda: {"cpu": asyncio.run(run())})

    def package_run(contender: str, package: Any) -> Callable[[], Coroutine[Any, Any, float]]:
        return lambda: _cpu_of_streams(f"{name}/{contender}", package, rates, effort.live_seconds)

    contenders = [once(contender, package_run(contender, package)) for contender, package in packages]
    contenders.append(once("bare", lambda: _cpu_of_queues(effort.live_seconds)))

    def check() -> None:
        """Every run checks itself: each stream got audio for as long as it ran."""

    quantities = (Quantity("cpu", targets=(Target.ratio(1.3, "bare"),)),)
    return Experiment(name, tuple(contenders), check, effort.live_rounds, quantities)


async def _cpu_of_streams(name: str, package: Any, rates: tuple[int, ...], seconds: float) -> float:
    source = package.AudioSource(_RATE, 1)
    track = package.LocalAudioTrack.create_audio_track("benchmark", source)
    rate_of = [rates[number % len(rates)] for number in range(_STREAMS)]
    streams = [package.AudioStream(track, sample_rate=rate, num_channels=1) for rate in rate_of]
    num_samples = [0] * _STREAMS

    async def feed() -> None:
        signal = frames(package.AudioFrame, noise(_RATE))
        while True:
            for frame in signal:
                await source.capture_frame(frame)

    async def read(number: int) -> None:
        async for event in streams[number]:
            num_samples[number] += event.frame.samples_per_channel

    tasks = [asyncio.create_task(feed()), *(asyncio.create_task(read(number)) for number in range(_STREAMS))]
    # Until the queue is full; then everything happens once in 10 ms.
    await asyncio.sleep(WARM_UP_TICKS * TICK_S)
    before = list(num_samples)
    with Stopwatch() as watch:
        await asyncio.sleep(seconds)
    heard = [(now - then) / rate for then, now, rate in zip(before, num_samples, rate_of, strict=True)]
    await _cancel(tasks)
    for stream in streams:
        await stream.aclose()
    await source.aclose()
    if not all(0.9 * seconds <= heard_s <= 1.1 * seconds for heard_s in heard):
        raise DisagreementError(f"{name}: streams of {seconds} s gave {min(heard):.2f} to {max(heard):.2f} s")
    return watch.cpu_share


async def _cpu_of_queues(seconds: float) -> float:
    def make_frame(data: bytes) -> AudioFrame:
        return AudioFrame(data, _RATE, 1, SAMPLES)

    async def read(stream: LiveStream) -> None:
        async for _ in stream:
            pass

    source = LiveSource(_STREAMS, WARM_UP_TICKS + round(seconds / TICK_S), False, make_frame)
    tasks = [asyncio.create_task(read(stream)) for stream in source.streams]
    await source.run()
    await _cancel(tasks)
    return source.cpu_s


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Cancels all; a task that failed says so."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
