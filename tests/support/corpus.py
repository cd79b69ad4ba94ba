"""A corpus of short files, some of them broken, and workers that die."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from livekit_utils.batch import Job, Result
from livekit_utils.batch.conversion import convert_files
from tests.support.sound_files import wav

RATE = 8000


def write_sound(path: Path, seed: int, num_samples: int = 800, rate: int = RATE) -> Path:
    """A WAV whose samples depend on the seed."""
    samples = np.random.default_rng(seed).normal(0, 4000, num_samples).astype(np.int16)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wav(samples.tobytes(), sample_rate=rate))
    return path


def write_corpus(folder: Path, num_files: int, broken_every: int = 100) -> tuple[list[Path], set[Path]]:
    """Files in folders of 1000, and those among them that are broken, each in another way."""
    paths, broken = [], set()
    for number in range(num_files):
        path = folder / f"{number // 1000:03}" / f"{number:05}.wav"
        write_sound(path, number)
        if number % broken_every == broken_every // 2:
            damages = (b"", b"this is no sound" * 100, path.read_bytes()[:30], b"RIFF\x00\x00\x00\x00WAVE")
            path.write_bytes(damages[number // broken_every % len(damages)])
            broken.add(path)
        paths.append(path)
    return paths, broken


def jobs_for(paths: Sequence[Path], folder: Path, target: Path, **options: Any) -> list[Job]:
    """One for each file: to FLAC of 16 kHz."""
    options = {"sample_rate": 16000, **options}
    return [Job(path, target / path.relative_to(folder).with_suffix(".flac"), **options) for path in paths]


def outputs(folder: Path) -> dict[str, bytes]:
    """The bytes of all outputs, by their paths."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.flac")}


def lines(folder: Path) -> list[dict[str, Any]]:
    """The manifest; all its lines have to be whole."""
    text = (folder / "manifest.jsonl").read_text("ascii")
    assert not text or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def deadly(jobs: Sequence[Job]) -> list[Result]:
    """Converts files; one that is called "killer" kills the process, and one called "once" does the first time."""
    for job in jobs:
        path = Path(job.paths[0])
        if "once" in path.name and not path.with_suffix(".died").exists():
            path.with_suffix(".died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if "killer" in path.name:
            with path.with_suffix(".deaths").open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
    return convert_files(jobs)
