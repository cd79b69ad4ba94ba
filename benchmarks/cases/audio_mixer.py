"""The mixer with streams that are always ready: CPU time of the process per frame that goes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks import optional
from benchmarks.agreement import joined, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import frames, noise
from benchmarks.target import Target
from livekit_utils import AudioFrame, AudioMixer

_RATE = 48000
_STREAMS = (2, 16, 128)
_BLOCKS = (4800, 480)

Streams = Sequence[Sequence[Any]]
"""The frames of each stream."""


def experiments(effort: Effort) -> Iterator[Experiment]:
    for num_streams in _STREAMS:
        # Whole blocks of 100 ms, and enough of them that starting the tasks is not what is measured.
        num_frames = max(100, 3200 // num_streams)
        for block in _BLOCKS:
            yield _experiment(effort, num_streams, num_frames, block)


def _experiment(effort: Effort, num_streams: int, num_frames: int, block: int) -> Experiment:
    signals = [noise(480 * num_frames, seed) for seed in range(num_streams)]
    ours = [frames(AudioFrame, signal) for signal in signals]
    num_blocks = num_frames * 480 // block
    total = num_streams * num_frames
    name = f"audio_mixer/{num_streams}x{block}"

    def make() -> AudioMixer:
        return AudioMixer(_RATE, 1, blocksize=block)

    contenders = [Contender.cpu(OURS, _mix_all(make, ours, num_blocks), inner_loops=total)]
    rtc = optional.sdk()
    theirs = [frames(rtc.AudioFrame, signal) for signal in signals] if rtc is not None else []

    def make_theirs() -> Any:
        assert rtc is not None
        return rtc.AudioMixer(_RATE, 1, blocksize=block)

    if rtc is not None:
        contenders.append(Contender.cpu("sdk", _mix_all(make_theirs, theirs, num_blocks), inner_loops=total))
    contenders.append(Contender.cpu("bare", lambda: _read_all(ours), inner_loops=total))

    def check() -> None:
        expected = np.clip(np.stack(signals).astype(np.int64).sum(axis=0), -32768, 32767)
        same(name, expected, joined(asyncio.run(_collect(make, ours))))
        if rtc is not None:
            same(name, expected, joined(asyncio.run(_collect(make_theirs, theirs))))

    targets = (Target.ratio(1 / 20, "sdk"),)
    return Experiment(name, tuple(contenders), check, effort.rounds, (Quantity(targets=targets),))


async def _ready(items: Sequence[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def _mix_all(make: Callable[[], Any], streams: Streams, num_blocks: int) -> Callable[[], Any]:
    async def mix() -> None:
        mixer = _filled(make, streams)
        mixed = 0
        async for _ in mixer:
            mixed += 1
        if mixed != num_blocks:
            raise DisagreementError(f"audio_mixer: expected {num_blocks} blocks, got {mixed}")

    return mix


async def _collect(make: Callable[[], Any], streams: Streams) -> list[Any]:
    return [frame async for frame in _filled(make, streams)]


def _filled(make: Callable[[], Any], streams: Streams) -> Any:
    mixer = make()
    for stream in streams:
        mixer.add_stream(_ready(stream))
    mixer.end_input()
    return mixer


async def _read_all(streams: Streams) -> None:
    """What it takes to read the streams and do nothing: a task for each."""

    async def read(stream: AsyncIterator[Any]) -> None:
        async for _ in stream:
            pass

    async with asyncio.TaskGroup() as group:
        for stream in streams:
            group.create_task(read(_ready(stream)))
