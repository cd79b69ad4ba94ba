"""Commands in a pipe: `-` is standard input or standard output."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("typer")

from tests.support.cli_commands import load, noise, save
from tests.support.randomness import SEED
from tests.support.sound_files import encode


def piped(*arguments: object, data: bytes = b"", **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "livekit_utils", *map(str, arguments)],
        input=data,
        capture_output=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
        **options,
    )


def samples_of(result: subprocess.CompletedProcess[bytes]) -> Any:
    assert result.returncode == 0, result.stderr
    return soundfile.read(io.BytesIO(result.stdout), dtype="int16", always_2d=True)[0]


def test_from_command_to_command(tmp_path: Path) -> None:
    tone = piped("tone", 440, 0.5, "-", "--json")
    assert json.loads(tone.stderr)["output"]["frames"] == 24_000
    halved = piped("convert", "-", "-", "--rate", 24_000, "--end", 0.25, data=tone.stdout)
    assert len(samples_of(halved)) == 6000
    mixed = piped("mix", "-", save(tmp_path / "a.wav", noise(SEED, 6000), 24_000), "-o", "-", data=halved.stdout)
    assert len(samples_of(mixed)) == 6000
    report = json.loads(piped("info", "-", "--json", data=mixed.stdout).stdout)
    assert report["files"][0]["frames"] == 6000
    assert report["files"][0]["name"] == "-"


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_every_format_comes_in(tmp_path: Path, format: str) -> None:
    data = encode(noise(SEED, 5000, 2, 8000), 48_000, format)
    out, path = tmp_path / "out.wav", tmp_path / f"a.{format.lower()}"
    assert piped("resample", "-", out, "--rate", 48_000, data=data).returncode == 0
    path.write_bytes(data)
    assert np.array_equal(load(out), samples_of(piped("resample", path, "-", "--rate", 48_000)))


def test_a_wav_that_was_written_to_a_pipe(tmp_path: Path) -> None:
    data = bytearray(encode(noise(SEED, 5000), 48_000, "WAV"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    assert len(samples_of(piped("convert", "-", "-", data=bytes(data)))) == 5000


def test_gains_and_offsets_of_standard_input(tmp_path: Path) -> None:
    samples = noise(SEED, 5000, peak=8000)
    path = save(tmp_path / "a.wav", np.zeros((100, 1), np.int16))
    result = piped("mix", "-", path, "-o", "-", "--offset", "-=0.1", data=encode(samples, 48_000, "WAV"))
    assert np.array_equal(samples_of(result)[4800:], samples)


@pytest.mark.parametrize(
    ("arguments", "data", "message"),
    [
        (["info", "-", "-"], b"", b"error: -: expected standard input once, got it twice"),
        (["mix", "-", "-", "-o", "-"], b"", b"error: -: expected standard input once, got it twice"),
        (["info", "-"], b"", b"error: -: expected a WAV, FLAC, OGG or MP3 file, got an empty one"),
        (["convert", "-", "-"], b"nonsense" * 99, b"error: -: expected a WAV, FLAC, OGG or MP3 file, got something"),
    ],
)
def test_what_cannot_be(arguments: list[str], data: bytes, message: bytes) -> None:
    result = piped(*arguments, data=data)
    assert result.returncode == 1
    assert result.stdout == b""
    assert result.stderr.startswith(message)
    assert result.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="a pipe that nobody reads")
def test_nobody_reads_and_nothing_is_left(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(
        [sys.executable, "-m", "livekit_utils", "tone", "440", "5", "-"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path)},
        check=False,
    )
    os.close(writer)
    assert result.returncode == 1
    assert b"Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
