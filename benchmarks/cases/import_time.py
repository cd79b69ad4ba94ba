"""What an import adds to the start of a program, as the time of a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pyperf  # type: ignore[import-untyped]

import livekit_utils
from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import Effort
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.target import Target

# What both packages have.
_NAMES = "AudioFrame, AudioMixer, AudioResampler, AudioResamplerQuality, VideoFrame, combine_audio_frames"


def experiments(effort: Effort) -> Iterator[Experiment]:
    # The package alone loads little, because names are imported on first use: that is nothing to compare with a
    # package that loads all of it at once.
    yield _experiment(effort, "import/package", {OURS: "import livekit_utils", "bare": "pass"})
    programs = {OURS: f"from livekit_utils import {_NAMES}", "bare": "pass"}
    if optional.sdk() is not None:
        programs["sdk"] = f"from livekit.rtc import {_NAMES}"
    yield _experiment(effort, "import/names", programs)


def _experiment(effort: Effort, name: str, programs: dict[str, str]) -> Experiment:
    def check() -> None:
        # Also leaves every module's bytecode behind.
        for program in programs.values():
            _run(program)

    contenders = tuple(Contender.once(name, _timed(program)) for name, program in programs.items())
    targets = (Target.excess(0.050, contender="bare"),)
    return Experiment(name, contenders, check, effort.slow_rounds, (Quantity(targets=targets),))


def _timed(program: str) -> Callable[[], Mapping[str, float]]:
    def measure() -> Mapping[str, float]:
        start = pyperf.perf_counter()
        _run(program)
        return {"": pyperf.perf_counter() - start}

    return measure


def _run(program: str) -> None:
    package = str(Path(livekit_utils.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": path})
