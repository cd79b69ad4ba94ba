"""A corpus of short files, 3 s of 48 kHz to FLAC of 16 kHz: CPU time and time per file, with all processes."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np

from benchmarks import optional
from benchmarks.contender import OURS, Contender
from benchmarks.effort import QUICK, Effort
from benchmarks.errors import DisagreementError
from benchmarks.experiment import Experiment
from benchmarks.quantity import Quantity
from benchmarks.target import Target
from livekit_utils import resample_audio
from livekit_utils.batch import Job, convert_file, run_batch

_RATE, _SECONDS = 48000, 3

# Files for what starts Python for each, what starts a small process for each, and all others.
_FEW, _SOME, _MANY = 10, 100, 1500


def experiments(effort: Effort) -> Iterator[Experiment]:
    soundfile = optional.load("soundfile", "soundfile")
    if soundfile is None or sys.platform == "win32":
        return
    with tempfile.TemporaryDirectory() as folder:
        yield _experiment(effort, Path(folder), soundfile)


def _experiment(effort: Effort, folder: Path, soundfile: object) -> Experiment:
    paths = _write(folder / "in", _FEW if effort is QUICK else _MANY, soundfile)
    few, some = paths[:_FEW], paths[:_SOME]
    ways: dict[str, tuple[list[Path], Callable[[list[Path], Path], None]]] = {
        OURS: (paths, lambda chosen, target: _run(chosen, target, 2)),
        "one process": (paths, lambda chosen, target: _run(chosen, target, 1)),
        "convert_file": (paths, _alone),
        "soundfile and resample_audio": (paths, lambda chosen, target: _bare(chosen, target, soundfile)),
        "a command each": (few, _commands),
    }
    if shutil.which("sox"):
        ways["sox under xargs"] = (some, lambda chosen, target: _xargs(chosen, target, _SOX))
    else:
        optional.leave_out("sox", "apt-get install sox")
    if shutil.which("ffmpeg"):
        ways["ffmpeg under xargs"] = (some, lambda chosen, target: _xargs(chosen, target, _FFMPEG))
    else:
        optional.leave_out("ffmpeg", "apt-get install ffmpeg")

    def check() -> None:
        for name, (_, way) in ways.items():
            target = folder / "checked" / name.replace(" ", "-")
            target.mkdir(parents=True)
            way(few, target)
            lengths = {len(soundfile.read(target / f"{path.stem}.flac")[0]) for path in few}  # type: ignore[attr-defined]
            if lengths != {_SECONDS * 16000}:
                raise DisagreementError(f"batch: {name} gives {lengths} samples")

    return Experiment(
        "batch/3s",
        tuple(Contender.once(name, _measured(folder, *way)) for name, way in ways.items()),
        check,
        3,
        (
            Quantity("cpu", targets=(Target.ratio(1.3, "convert_file"), Target.ratio(1 / 20, "a command each"))),
            Quantity("wall", targets=(Target.ratio(1 / 1.7, "one process"),)),
        ),
    )


def _write(folder: Path, number: int, soundfile: object) -> list[Path]:
    folder.mkdir()
    rng = np.random.default_rng(1)
    paths = [folder / f"{index:05}.wav" for index in range(number)]
    for path in paths:
        noise = rng.standard_normal(_RATE * _SECONDS).cumsum()
        noise -= np.linspace(noise[0], noise[-1], len(noise))
        soundfile.write(path, (noise * 16000 / np.abs(noise).max()).astype(np.int16), _RATE)  # type: ignore[attr-defined]
    return paths


def _measured(
    folder: Path, paths: list[Path], way: Callable[[list[Path], Path], None]
) -> Callable[[], Mapping[str, float]]:
    def measure() -> Mapping[str, float]:
        with tempfile.TemporaryDirectory(dir=folder) as target:
            start, cpu = time.perf_counter(), _cpu()
            way(paths, Path(target))
            wall = time.perf_counter() - start
            return {"cpu": (_cpu() - cpu) / len(paths), "wall": wall / len(paths)}

    return measure


def _cpu() -> float:
    """CPU time of this process and of those that it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _jobs(paths: list[Path], target: Path) -> list[Job]:
    return [Job(path, target / f"{path.stem}.flac", sample_rate=16000) for path in paths]


def _run(paths: list[Path], target: Path, num_workers: int) -> None:
    if not run_batch(_jobs(paths, target), manifest=target / "manifest.jsonl", num_workers=num_workers).ok:
        raise DisagreementError("batch: a file failed")


def _alone(paths: list[Path], target: Path) -> None:
    for job in _jobs(paths, target):
        convert_file(job)


def _bare(paths: list[Path], target: Path, soundfile: object) -> None:
    """Neither synced nor measured, without a checksum, and not whole after a fault."""
    for path in paths:
        samples, rate = soundfile.read(path, dtype="int16")  # type: ignore[attr-defined]
        soundfile.write(target / f"{path.stem}.flac", resample_audio(samples, rate, 16000), 16000)  # type: ignore[attr-defined]


def _commands(paths: list[Path], target: Path) -> None:
    for path in paths:
        command = [sys.executable, "-m", "livekit_utils", "convert", str(path), str(target / f"{path.stem}.flac")]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        subprocess.run([*command, "--rate", "16000"], check=True, stdout=subprocess.DEVNULL, env=environment)


_SOX = 'sox -V1 "$1" -b 16 "$0/$(basename "$1" .wav).flac" rate 16000'
_FFMPEG = 'ffmpeg -v error -threads 1 -i "$1" -ar 16000 -sample_fmt s16 "$0/$(basename "$1" .wav).flac"'


def _xargs(paths: list[Path], target: Path, command: str) -> None:
    names = "\0".join(map(str, paths)).encode()
    subprocess.run(["xargs", "-0", "-n", "1", "-P", "2", "sh", "-c", command, str(target)], input=names, check=True)
