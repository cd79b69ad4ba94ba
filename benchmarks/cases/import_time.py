"""What an import adds to the start of a program, and how long commands take, as the time of a whole process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import wave
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
    everything = {OURS: "from livekit_utils import *", "bare": "pass", "asyncio": "import asyncio"}
    yield _experiment(effort, "import/all", everything, limit_s=0.060)
    if optional.load("click", "click") is not None and optional.load("soundfile", "soundfile") is not None:
        with tempfile.TemporaryDirectory() as folder:
            yield from _commands(effort, Path(folder))


def _commands(effort: Effort, folder: Path) -> Iterator[Experiment]:
    sound = folder / "sound.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(bytes(2 * 16000 * 3))
    out = [str(folder / "out.wav"), "--force"]
    for name, arguments in (
        ("version", ["--version"]),
        ("help", ["--help"]),
        ("info", ["info", str(sound)]),
        ("convert", ["convert", str(sound), *out]),
        ("resample", ["resample", str(sound), *out, "--rate", "8k"]),
        ("mix", ["mix", str(sound), str(sound), *out]),
    ):
        ours = ["-m", "livekit_utils", *arguments]
        contenders = (
            Contender.once(OURS, _timed(ours)),
            Contender.once("bare", _timed(["-c", "pass"])),
            Contender.once("numpy", _timed(["-c", "import numpy"])),
        )

        def check(ours: list[str] = ours) -> None:
            _run(ours)

        targets = (Target.value(0.150),)
        yield Experiment(f"import/command/{name}", contenders, check, effort.slow_rounds, (Quantity(targets=targets),))


def _experiment(effort: Effort, name: str, programs: dict[str, str], limit_s: float = 0.050) -> Experiment:
    def check() -> None:
        # Also leaves every module's bytecode behind.
        for program in programs.values():
            _run(["-c", program])

    contenders = tuple(Contender.once(name, _timed(["-c", program])) for name, program in programs.items())
    targets = (Target.excess(limit_s, contender="bare"),)
    return Experiment(name, contenders, check, effort.slow_rounds, (Quantity(targets=targets),))


def _timed(arguments: list[str]) -> Callable[[], Mapping[str, float]]:
    def measure() -> Mapping[str, float]:
        start = pyperf.perf_counter()
        _run(arguments)
        return {"": pyperf.perf_counter() - start}

    return measure


def _run(arguments: list[str]) -> None:
    package = str(Path(livekit_utils.__file__).parent.parent)
    path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package has its bytecode
    subprocess.run([sys.executable, *arguments], check=True, env=environment, stdout=subprocess.DEVNULL)
