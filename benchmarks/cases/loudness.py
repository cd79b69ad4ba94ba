"""LoudnessMeter, one second of stereo noise in frames of 10 ms; PyAV runs FFmpeg's ebur128 with true peaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.agreement import same
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.optional import load
from benchmarks.signals import noise
from livekit_utils import AudioFrame, LoudnessMeter

_RATE = 48_000


def experiments(effort: Effort) -> Iterator[Experiment]:
    # A noise of which the level changes, so that its true peak is not in every block.
    levels = np.repeat(np.geomspace(0.01, 1, 10), _RATE // 5)
    samples = (noise(2 * _RATE) * levels).astype(np.int16)
    size = _RATE // 100
    starts = range(0, samples.size, 2 * size)
    second = [AudioFrame(samples[at : at + 2 * size].tobytes(), _RATE, 2, size) for at in starts]
    meter = LoudnessMeter(_RATE, 2)

    def ours() -> None:
        for frame in second:
            meter.push(frame)

    contenders = [Contender.timed(OURS, ours)]
    av = load("av", "av")
    if av is not None:
        contenders.append(Contender.timed("av", _with_av(av, second)[0]))

    def check() -> None:
        if av is not None:
            ours, (run, read) = LoudnessMeter(_RATE, 2), _with_av(av, second)
            for _ in range(4):
                run()
                for frame in second:
                    ours.push(frame)
            figures = [ours.momentary_lufs, ours.short_term_lufs, ours.integrated_lufs]
            same("loudness", read(), figures, tolerance=0.02)

    yield Experiment("loudness/second", tuple(contenders), check, effort.rounds)


def _with_av(av: ModuleType, second: list[AudioFrame]) -> tuple[Callable[[], None], Callable[[], list[float]]]:
    graph: Any = load("av.filter", "av").Graph()  # type: ignore[union-attr]
    source = graph.add_abuffer(sample_rate=_RATE, format="s16", layout="stereo", time_base=f"1/{_RATE}")
    meter, sink = graph.add("ebur128", "peak=true:metadata=1:framelog=quiet"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    theirs = []
    for frame in second:
        made = av.AudioFrame.from_ndarray(np.asarray(frame).reshape(1, -1), format="s16", layout="stereo")
        made.sample_rate = _RATE
        theirs.append(made)
    last: list[Any] = []

    def run() -> None:
        for frame in theirs:
            graph.push(frame)
            try:
                while True:
                    last[:] = [graph.pull()]
            except (av.error.BlockingIOError, av.error.EOFError):
                pass

    return run, lambda: [float(last[0].metadata[f"lavfi.r128.{name}"]) for name in "MSI"]
