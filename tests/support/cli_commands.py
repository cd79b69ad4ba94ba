"""What the tests of the command line share: running a command in this process, and sound files to run it on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from click.testing import CliRunner

from livekit_utils.cli import app
from tests.support.paths import BESIDE

Samples = npt.NDArray[np.int16]

RECORDINGS = BESIDE / "examples" / "recordings"


@dataclass(frozen=True)
class Result:
    exit_code: int
    output: str
    errors: str

    @property
    def report(self) -> dict[str, Any]:
        """The one JSON object that is all of stdout."""
        report = json.loads(self.output)
        assert isinstance(report, dict)
        return report


def invoke(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Result(result.exit_code, result.stdout, result.stderr)


def run(*arguments: object) -> Result:
    """A command that must succeed, and say nothing on stderr."""
    result = invoke(*arguments)
    assert (result.exit_code, result.errors) == (0, ""), result
    return result


def refuse(*arguments: object) -> str:
    """A command that must fail with one line, which is returned without its `error: `. Wrong usage, as a number out of
    range, has the exit status 2."""
    result = invoke(*arguments)
    assert result.exit_code == (2 if "; see livekit-utils " in result.errors else 1), result
    assert result.output == "", result
    assert result.errors.startswith("error: ")
    assert result.errors.count("\n") == 1
    assert result.errors.endswith("\n")
    return result.errors.removeprefix("error: ").rstrip("\n")


def noise(seed: int, num_frames: int, num_channels: int = 1, peak: int = 32768) -> Samples:
    print(f"seed {seed}")
    return np.random.default_rng(seed).integers(-peak, peak, (num_frames, num_channels), np.int16)


def save(path: Path, samples: npt.NDArray[Any], sample_rate: int = 48000, subtype: str | None = None) -> Path:
    soundfile.write(path, samples, sample_rate, subtype=subtype)
    return path


def load(path: Path) -> Samples:
    """Samples of a 16-bit file."""
    samples: Samples = soundfile.read(path, dtype="int16", always_2d=True)[0]
    return samples


def names(directory: Path) -> set[str]:
    """Everything in a directory, hidden files too."""
    return {path.name for path in directory.iterdir()}
