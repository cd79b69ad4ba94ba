"""The mixer with gains, places, delays and a limiter, against itself without them and a bare graph of FFmpeg's filters.

Eight stereo streams that are always ready, 10 ms blocks: CPU time of the process per frame that goes in.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import optional
from benchmarks.agreement import joined, same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.signals import noise
from benchmarks.target import Target
from livekit_utils import AudioFrame, AudioMixer

_RATE = 48000
_BLOCK = 480
_NUM_STREAMS = 8
_NUM_FRAMES = 400
_CEILING_DBFS = -1.0

Samples = npt.NDArray[np.int16]


def experiments(effort: Effort) -> Iterator[Experiment]:
    name = f"audio_mixer_shaped/{_NUM_STREAMS}x{_BLOCK}"
    signals = [(noise(2 * _BLOCK * _NUM_FRAMES, seed) // 8).astype(np.int16) for seed in range(_NUM_STREAMS)]
    total = _NUM_STREAMS * _NUM_FRAMES
    ours = [_frames(signal) for signal in signals]
    contenders = [
        Contender.cpu(OURS, lambda: _mix(ours, shaped=True), inner_loops=total),
        Contender.cpu("plain", lambda: _mix(ours, shaped=False), inner_loops=total),
    ]
    av = optional.load("av", "av")
    if av is not None:
        contenders.append(Contender.cpu("pyav", _graph(av, signals), inner_loops=total))

    def check() -> None:
        same(name, _expected(signals), joined(asyncio.run(_collect(ours)))[2 * 239 :], tolerance=1)

    targets = (Target.ratio(1.5, "plain"), Target.ratio(1 / 3, "pyav"))
    yield Experiment(name, tuple(contenders), check, effort.rounds, (Quantity(targets=targets),))


def _frames(samples: Samples) -> list[AudioFrame]:
    size = 2 * _BLOCK
    return [AudioFrame(samples[at : at + size].tobytes(), _RATE, 2, _BLOCK) for at in range(0, samples.size, size)]


def _places() -> list[tuple[float, float, float]]:
    """Gain, pan and delay of each stream."""
    return [(0.5 + 0.1 * i, -1 + 2 * i / (_NUM_STREAMS - 1), 2.5 * i) for i in range(_NUM_STREAMS)]


def _filled(streams: Sequence[Sequence[AudioFrame]], shaped: bool, ceiling_dbfs: float) -> AudioMixer:
    mixer = AudioMixer(_RATE, 2, blocksize=_BLOCK, ceiling_dbfs=ceiling_dbfs if shaped else None)
    for stream, (gain, pan, delay_ms) in zip(streams, _places(), strict=True):
        if shaped:
            mixer.add_stream(_ready(stream), gain=gain, pan=pan, delay_ms=delay_ms)
        else:
            mixer.add_stream(_ready(stream))
    mixer.end_input()
    return mixer


async def _ready(items: Sequence[AudioFrame]) -> AsyncIterator[AudioFrame]:
    for item in items:
        yield item


async def _mix(streams: Sequence[Sequence[AudioFrame]], *, shaped: bool) -> None:
    mixed = 0
    async for _ in _filled(streams, shaped, _CEILING_DBFS):
        mixed += 1
    if mixed < _NUM_FRAMES:
        raise DisagreementError(f"audio_mixer_shaped: expected {_NUM_FRAMES} blocks, got {mixed}")


async def _collect(streams: Sequence[Sequence[AudioFrame]]) -> list[AudioFrame]:
    return [frame async for frame in _filled(streams, shaped=True, ceiling_dbfs=0.0)]


def _expected(signals: Sequence[Samples]) -> npt.NDArray[np.float64]:
    """Nothing is so loud that the limiter has to work."""
    longest = _NUM_FRAMES * _BLOCK + 2 * _BLOCK
    out = np.zeros((longest + _BLOCK - 239, 2))
    for signal, (gain, pan, delay_ms) in zip(signals, _places(), strict=True):
        angle = (pan + 1) * math.pi / 4
        sides = gain * math.sqrt(2) * np.array([math.cos(angle), math.sin(angle)])
        first = round(delay_ms * _RATE / 1000)
        out[first : first + len(signal) // 2] += signal.reshape(-1, 2) * sides
    return np.rint(out).reshape(-1)


def _graph(av: Any, signals: Sequence[Samples]) -> Callable[[], Any]:
    """FFmpeg's amix and alimiter, frame by frame, without gains, places and delays."""
    streams = []
    for signal in signals:
        made = []
        for i in range(_NUM_FRAMES):
            samples = signal[2 * _BLOCK * i : 2 * _BLOCK * (i + 1)].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
            frame.sample_rate = _RATE
            frame.pts = i * _BLOCK
            made.append(frame)
        streams.append(made)

    async def run() -> None:
        graph = av.filter.Graph()
        inputs = [
            graph.add_abuffer(sample_rate=_RATE, format="s16", layout="stereo", name=f"in{i}")
            for i in range(_NUM_STREAMS)
        ]
        mix = graph.add("amix", f"inputs={_NUM_STREAMS}:normalize=0")
        limit = graph.add("alimiter", f"limit={10 ** (_CEILING_DBFS / 20)}:level=0")
        shape = graph.add("aformat", "sample_fmts=s16")
        sink = graph.add("abuffersink")
        for i, source in enumerate(inputs):
            source.link_to(mix, 0, i)
        mix.link_to(limit)
        limit.link_to(shape)
        shape.link_to(sink)
        graph.configure()
        pulled = 0
        for number in range(_NUM_FRAMES):
            for source, made in zip(inputs, streams, strict=True):
                source.push(made[number])
            while True:
                try:
                    pulled += sink.pull().samples
                except (av.error.BlockingIOError, av.error.EOFError):
                    break
        if pulled < (_NUM_FRAMES - 2) * _BLOCK:
            raise DisagreementError(f"amix: expected about {_NUM_FRAMES * _BLOCK} samples, got {pulled}")

    return run
