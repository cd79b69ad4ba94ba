"""AudioSource.capture_frame of 10 ms: into a queue with room, and straight through to streams that are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

import livekit_utils
from benchmarks import optional
from benchmarks.agreement import int16, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.live_stream import LiveStream
from benchmarks.quantity import Quantity
from benchmarks.signals import frames, noise
from benchmarks.stopwatch import Stopwatch
from benchmarks.target import Target
from livekit_utils import AudioFrame

_RATE = 48000
_LIMIT = 20e-6

# Captured without a pause: far fewer than the queue has room for.
_BATCH = 500
_QUEUE_MS = 20 * _BATCH

_NUM_STREAMS = (0, 1, 8)

# A frame that has not come by then will not come.
_TIMEOUT_S = 10.0

Run = Callable[[int], Coroutine[Any, Any, Mapping[str, float]]]


def experiments(effort: Effort) -> Iterator[Experiment]:
    packages: list[tuple[str, Any]] = [(OURS, livekit_utils)]
    rtc = optional.sdk()
    if rtc is not None:
        packages.append(("sdk", rtc))
    yield _experiment(
        effort,
        "queue",
        [(name, _capture_run(package)) for name, package in packages],
        packages,
        (Target.value(_LIMIT), Target.ratio(1.0, "sdk")),
    )
    for num_streams in _NUM_STREAMS:
        runs = [(name, _through_source_run(package, num_streams)) for name, package in packages]
        runs.append(("bare", _through_queues_run(num_streams)))
        yield _experiment(effort, f"pass_through/{num_streams}", runs, packages, ())


def _experiment(
    effort: Effort, kind: str, runs: list[tuple[str, Run]], packages: list[tuple[str, Any]], targets: tuple[Target, ...]
) -> Experiment:
    name = f"audio_source/{kind}"

    def check() -> None:
        for contender, package in packages:
            asyncio.run(_check_heard(f"{name}/{contender}", package))

    quantities = (Quantity("wall", targets=targets), Quantity("cpu"))
    return Experiment(name, tuple(_contender(*run) for run in runs), check, effort.rounds, quantities)


def _contender(name: str, run: Run) -> Contender:
    return Contender(name, lambda loops: asyncio.run(run(loops)))


def _capture_run(package: Any) -> Run:
    frame = frames(package.AudioFrame, noise(_RATE // 100))[0]

    async def run(loops: int) -> Mapping[str, float]:
        source = package.AudioSource(_RATE, 1, _QUEUE_MS)
        watch = Stopwatch()
        for start in range(0, loops, _BATCH):
            with watch:
                for _ in range(min(_BATCH, loops - start)):
                    await source.capture_frame(frame)
            source.clear_queue()
        await source.aclose()
        return watch.each(loops)

    return run


def _through_source_run(package: Any, num_streams: int) -> Run:
    """Until every stream's reader has everything."""
    frame = frames(package.AudioFrame, noise(_RATE // 100))[0]

    async def run(loops: int) -> Mapping[str, float]:
        source = package.AudioSource(_RATE, 1, 0)
        streams = _open_streams(package, source, num_streams)
        readers = [asyncio.create_task(_read(stream, loops)) for stream in streams]
        await asyncio.sleep(0)
        with Stopwatch() as watch:
            for _ in range(loops):
                await source.capture_frame(frame)
            await asyncio.gather(*readers)
        await _close(source, streams)
        return watch.each(loops)

    return run


def _through_queues_run(num_streams: int) -> Run:
    """What it takes to wake as many readers: nothing is copied, cut or wrapped."""
    frame = frames(AudioFrame, noise(_RATE // 100))[0]

    async def run(loops: int) -> Mapping[str, float]:
        streams = [LiveStream() for _ in range(num_streams)]
        readers = [asyncio.create_task(_read(stream, loops)) for stream in streams]
        await asyncio.sleep(0)
        with Stopwatch() as watch:
            for _ in range(loops):
                for stream in streams:
                    stream.deliver(frame)
                await asyncio.sleep(0)
            await asyncio.gather(*readers)
        return watch.each(loops)

    return run


async def _check_heard(name: str, package: Any) -> None:
    """A stream gets the samples that were captured."""
    signal = noise(_RATE // 100)
    source = package.AudioSource(_RATE, 1, 0)
    [stream] = streams = _open_streams(package, source, 1)
    async with asyncio.timeout(_TIMEOUT_S):
        for frame in frames(package.AudioFrame, signal):
            await source.capture_frame(frame)
        same(name, signal, int16((await anext(stream)).frame.data))
    await _close(source, streams)


def _open_streams(package: Any, source: Any, num_streams: int) -> list[Any]:
    track = package.LocalAudioTrack.create_audio_track("benchmark", source)
    return [package.AudioStream(track, sample_rate=_RATE, num_channels=1) for _ in range(num_streams)]


async def _read(stream: Any, num_frames: int) -> None:
    async with asyncio.timeout(_TIMEOUT_S):
        for _ in range(num_frames):
            await anext(stream)


async def _close(source: Any, streams: list[Any]) -> None:
    for stream in streams:
        await stream.aclose()
    await source.aclose()
