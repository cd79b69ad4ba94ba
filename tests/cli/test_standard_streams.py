"""Commands in a pipe: `-` is standard input or standard output."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

pytest.importorskip("click")

from livekit_utils.files.piped_sound import open_pipe
from livekit_utils.files.piped_wav import PipedWav
from livekit_utils.files.sound_reader import SoundReader
from tests.support.cli_commands import RECORDINGS, load, noise, save
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


def start(*arguments: object, **options: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "livekit_utils", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        **options,
    )


def endless(samples: Any) -> bytes:
    """A WAV of 48 kHz whose header does not tell its length."""
    data = bytearray(encode(samples, 48_000, "WAV"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"
    return bytes(data)


@pytest.mark.parametrize("command", [["convert", "-", "-", "--rate", "24000"], ["mix", "-", "-o", "-"]])
def test_what_comes_in_goes_out_at_once(command: list[str]) -> None:
    """While the producer goes on."""
    process = start(*command)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        samples = np.full((4800, 1), 1000, np.int16)
        process.stdin.write(endless(samples))
        for _ in range(4):
            process.stdin.flush()
            head = process.stdout.read1(100)
            assert head[:4] == b"RIFF" or np.frombuffer(head[: len(head) // 2 * 2], np.int16).any()
            process.stdin.write(samples.tobytes())
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert len(output) > 3 * 4800
    finally:
        process.kill()
        process.communicate()


def test_a_part_of_what_never_ends() -> None:
    process = start("convert", "-", "-", "--start", 0.05, "--end", 0.25)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        samples = noise(SEED, 24_000)
        process.stdin.write(endless(samples))
        process.stdin.flush()
        output = process.stdout.read()
        assert np.array_equal(np.frombuffer(output[44:], np.int16), samples[2400:12_000, 0])
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()


def test_headers_tell_what_is_known(tmp_path: Path) -> None:
    tone = piped("tone", 440, 0.5, "-").stdout
    assert len(tone) == 44 + 48_000
    assert tone[4:8] == (36 + 48_000).to_bytes(4, "little")
    assert tone[40:44] == (48_000).to_bytes(4, "little")
    data = endless(noise(SEED, 5001))
    through = piped("convert", "-", "-", data=data).stdout
    assert through[4:8] == through[40:44] == b"\xff\xff\xff\xff"
    assert through[44:] == data[44:]
    path = tmp_path / "a.wav"
    for mode in ("wb", "ab"):
        path.write_bytes(b"")
        with path.open(mode) as file:
            subprocess.run(
                [sys.executable, "-m", "livekit_utils", "convert", "-", "-"],
                input=data,
                stdout=file,
                timeout=60,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                check=True,
            )
        told = path.read_bytes()[40:44]
        assert path.read_bytes()[44:] == data[44:]
        assert told == ((10_002).to_bytes(4, "little") if mode == "wb" and os.name == "posix" else b"\xff\xff\xff\xff")
    assert len(piped("convert", "-", "-", data=endless(noise(SEED, 0))).stdout) == 44


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ALAW", "ULAW"])
def test_a_pipe_tells_what_a_file_tells(tmp_path: Path, subtype: str) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 4001, 2, 8000), 44_100, subtype)
    reader, writer = os.pipe()
    os.write(writer, path.read_bytes())
    os.close(writer)
    with open(reader, "rb") as pipe, path.open("rb") as file, ExitStack() as stack, SoundReader(file) as of_file:
        of_pipe = open_pipe(pipe, stack, whole=False)
        assert isinstance(of_pipe, PipedWav)
        assert (of_pipe.format, of_pipe.subtype) == (of_file.format, of_file.subtype)
        assert of_pipe.is_s16 == of_file.is_s16
        assert np.array_equal(of_pipe.read(10_000), of_file.read(10_000))


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_pipe_is_as_a_file(tmp_path: Path, subtype: str) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 4001, 2, 8000), 44_100, subtype)
    mono = save(tmp_path / "b.wav", noise(SEED + 1, 3000, 1, 8000), 22_050)
    data = path.read_bytes()
    (from_pipe,) = json.loads(piped("info", "-", "--json", data=data).stdout)["files"]
    (from_file,) = json.loads(piped("info", path, "--json").stdout)["files"]
    assert {**from_file, "name": "-", "path": "-"} == from_pipe
    piped_ones = (["convert", "-", "-", "--rate", 16_000], ["mix", mono, "-", "-o", "-", "--gain", "-=-3"])
    filed_ones = (["convert", path, "-", "--rate", 16_000], ["mix", mono, path, "-o", "-", "--gain", "a=-3"])
    for of_pipe, of_file in zip(piped_ones, filed_ones, strict=True):
        assert np.array_equal(samples_of(piped(*of_pipe, data=data)), samples_of(piped(*of_file)))


def test_a_pipe_that_is_cut_off() -> None:
    data = encode(noise(SEED, 5000), 48_000, "WAV")[:-3001]
    result = piped("convert", "-", "-", data=data)
    assert result.returncode == 0
    assert result.stderr.startswith(
        b"warning: -: expected 10000 bytes of sound, as its header says, got 6999, which are read"
    )
    assert len(result.stdout) == 44 + 6998


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--start", 2], b"error: -: --start: expected 0 to less than 0.104167, the length of -, got 2"),
        (["--end", 2], b"error: -: --end: expected above 0 to 0.104167, the length of -, got 2"),
    ],
)
def test_a_part_that_is_not_there(arguments: list[object], message: bytes) -> None:
    result = piped("convert", "-", "-", *arguments, data=endless(noise(SEED, 5000)))
    assert result.returncode == 1
    assert result.stderr.rstrip() == message.replace(b"error: -: ", b"error: ")


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


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors in a shell of POSIX")
@pytest.mark.parametrize(
    ("unbuffered", "closed", "status", "error"),
    [
        ("", "1>&-", 1, "error: standard output: Bad file descriptor\n"),
        ("", "2>&-", 0, ""),
        ("", "0<&-", 0, ""),
        ("", ">/dev/full", 1, "error: standard output: No space left on device\n"),
        ("1", ">/dev/full", 1, "error: No space left on device\n"),
    ],
)
def test_streams_that_are_closed_or_full(
    monkeypatch: pytest.MonkeyPatch, unbuffered: str, closed: str, status: int, error: str
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    command = f"{shlex.quote(sys.executable)} -m livekit_utils info {shlex.quote(str(RECORDINGS / 'speech.wav'))}"
    done = subprocess.run(["sh", "-c", f"{command} {closed}"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, error)
