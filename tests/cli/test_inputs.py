"""What the command line reads, to the bit, and what it refuses to read."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from tests.support.cli_commands import Samples, invoke, load, noise, refuse, run, save
from tests.support.randomness import SEED


def read(path: Path) -> Samples:
    """A file as the command line reads it: mixed with nothing, it stays what it is."""
    out = path.with_name(path.name + ".out.wav")
    run("mix", path, "-o", out)
    return load(out)


@pytest.mark.parametrize(
    ("suffix", "subtype"),
    [("wav", "PCM_16"), ("flac", "PCM_16"), ("wav", "PCM_U8"), ("flac", "PCM_S8"), ("wav", "ULAW"), ("wav", "ALAW")],
)
def test_up_to_16_bits_are_exact(tmp_path: Path, suffix: str, subtype: str) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(SEED, 5_000, 2), subtype=subtype)
    assert np.array_equal(read(path), load(path))
    if subtype == "PCM_16":
        assert np.array_equal(read_again := load(path), noise(SEED, 5_000, 2)), read_again


@pytest.mark.parametrize(("suffix", "subtype"), [("wav", "FLOAT"), ("wav", "DOUBLE"), ("wav", "PCM_24"),
                                                 ("wav", "PCM_32"), ("flac", "PCM_24")])  # fmt: skip
def test_more_bits_are_rounded_and_saturated(tmp_path: Path, suffix: str, subtype: str) -> None:
    print(f"seed {SEED}")
    values = np.random.default_rng(SEED).uniform(-1, 1, (5_000, 2))
    if subtype in ("FLOAT", "DOUBLE"):
        values[:2] = [[1.5, -1.5], [1.0, -1.0]]
    path = save(tmp_path / f"a.{suffix}", values, subtype=subtype)
    off = np.abs(read(path) - np.clip(values * 32768, -32768, 32767))
    assert off.max() < 0.51  # half a step, and the rounding to 24 bits


@pytest.mark.parametrize("suffix", ["ogg", "mp3"])
def test_lossy_formats(tmp_path: Path, suffix: str) -> None:
    seconds = np.arange(48_000) / 48_000
    path = save(tmp_path / f"a.{suffix}", np.sin(2 * np.pi * 1000 * seconds) / 2)
    samples = read(path)[:, 0] / 32768
    assert len(samples) == 48_000
    spectrum = np.abs(np.fft.rfft(samples[12_000:36_000] * np.hanning(24_000)))
    assert np.argmax(spectrum) * 2 == 1000
    assert np.max(np.abs(samples[12_000:36_000])) == pytest.approx(0.5, rel=0.05)


def cut(path: Path, keep: float) -> Path:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    return path


def a_missing_file(directory: Path) -> Path:
    return directory / "missing.wav"


def a_directory(directory: Path) -> Path:
    (directory / "some.wav").mkdir()
    return directory / "some.wav"


def a_text(directory: Path) -> Path:
    (directory / "text.wav").write_text("speech\nand more speech\n" * 99)
    return directory / "text.wav"


def a_text_called_mp3(directory: Path) -> Path:
    return a_text(directory).rename(directory / "text.mp3")


def an_empty_file(directory: Path) -> Path:
    (directory / "empty.wav").touch()
    return directory / "empty.wav"


def a_film(directory: Path) -> Path:
    (directory / "film.wav").write_bytes(b"RIFF\0\1\0\0AVI LIST" + bytes(240))
    return directory / "film.wav"


def a_wav_cut_in_its_header(directory: Path) -> Path:
    path = save(directory / "cut.wav", noise(SEED, 50_000))
    path.write_bytes(path.read_bytes()[:30])
    return path


def a_cut_flac(directory: Path) -> Path:
    return cut(save(directory / "cut.flac", noise(SEED, 50_000)), 0.5)


def a_cut_ogg(directory: Path) -> Path:
    return cut(save(directory / "cut.ogg", noise(SEED, 500_000)), 0.5)


def an_ogg_with_a_hole(directory: Path) -> Path:
    path = save(directory / "hole.ogg", noise(SEED, 500_000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 3000] = bytes(3000)
    path.write_bytes(content)
    return path


def a_pipe(directory: Path) -> Path:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(directory / "pipe.wav")
    return directory / "pipe.wav"


def a_forbidden_file(directory: Path) -> Path:
    path = save(directory / "secret.wav", noise(SEED, 10))
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read everything")
    return path


BAD_INPUTS = {
    a_missing_file: "missing.wav: No such file or directory",
    a_directory: "some.wav: expected a sound file, got a directory",
    a_text: "text.wav: expected a WAV, FLAC, OGG or MP3 file, got something else",
    a_text_called_mp3: "text.mp3: expected a WAV, FLAC, OGG or MP3 file, got something else",
    an_empty_file: "empty.wav: expected a WAV, FLAC, OGG or MP3 file, got an empty one",
    a_film: "film.wav: expected a WAV, FLAC, OGG or MP3 file, got something else",
    a_wav_cut_in_its_header: "cut.wav: cut off: expected a WAV file with a data chunk",
    a_cut_flac: "cut.flac: d",
    a_cut_ogg: "cut.ogg: cut off: expected",
    an_ogg_with_a_hole: "hole.ogg: damaged: 1 of its ",
    a_pipe: "pipe.wav: expected a regular file, got a pipe or a device",
    a_forbidden_file: "secret.wav: Permission denied",
}


@pytest.mark.parametrize("make", BAD_INPUTS, ids=lambda make: make.__name__)
def test_bad_input_is_one_line(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    assert BAD_INPUTS[make] in refuse("info", path)
    assert BAD_INPUTS[make] in refuse("resample", path, tmp_path / "out.wav", "--rate", 8000)
    assert not (tmp_path / "out.wav").exists()


def test_a_cut_mp3(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    path = cut(save(tmp_path / "cut.mp3", noise(SEED, 100_000)), 0.5)
    result = run_python("-m", "livekit_utils", "info", str(path))
    assert (result.returncode, result.stdout) == (1, "")
    assert f"error: {path}: damaged or cut off: expected 100000 samples per channel" in result.stderr
    assert result.stderr.count("\n") == 1  # libmpg123 says nothing there


def test_a_cut_wav_is_read_with_a_warning(tmp_path: Path) -> None:
    samples = noise(SEED, 50_000)
    path = cut(save(tmp_path / "cut\n.wav", samples), 0.5)
    warning = "expected 100000 bytes of sound, as its header says, got 49978, which are read"
    lines = [f"warning: {tmp_path}/cut\\n.wav: {warning}\n"]
    result = invoke("info", path, "--json")
    assert (result.exit_code, result.errors) == (0, lines[0])
    assert result.report["files"][0]["frames"] == 24_989
    result = invoke("mix", path, "-o", tmp_path / "m.wav")
    assert (result.exit_code, result.errors) == (0, lines[0])
    assert np.array_equal(load(tmp_path / "m.wav"), samples[:24_989])


@pytest.mark.parametrize("make", [a_cut_flac, a_cut_ogg, an_ogg_with_a_hole])
def test_damaged_files_are_read_if_the_user_says_so(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    out = tmp_path / "out.wav"
    for arguments in (["info", path], ["mix", path, "-o", out], ["resample", path, out, "--rate", 48_000, "--force"]):
        result = invoke(*arguments, "--damaged", "--json")
        assert result.exit_code == 0
        assert result.errors.startswith(f"warning: {path}: ")
        assert "error" not in result.errors
    frames = invoke("info", path, "--damaged", "--json").report["files"][0]["frames"]
    assert 10_000 < frames == len(load(out))


def test_info_reports_the_good_ones_before_the_bad(tmp_path: Path) -> None:
    good = save(tmp_path / "good.wav", noise(SEED, 100))
    result = invoke("info", tmp_path / "no.wav", good, a_text(tmp_path), "--json")
    assert result.exit_code == 1
    assert [file["name"] for file in result.report["files"]] == ["good.wav"]
    assert [line.partition(":")[0] for line in result.errors.splitlines()] == ["error", "error"]


def test_a_name_cannot_forge_lines(tmp_path: Path) -> None:
    assert "a\\nerror: b\\x1b[31m.wav: No such file" in refuse("info", tmp_path / "a\nerror: b\x1b[31m.wav")


def wav(data: bytes, data_size: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A mono 8-bit WAV at 8 kHz."""
    fmt = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)
    body = b"WAVE"
    for name, content in ((b"fmt ", fmt), *chunks):
        body += name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
    body += b"data" + struct.pack("<I", data_size) + data
    return b"RIFF" + struct.pack("<I", len(body) if data_size else 36) + body


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF024, 0])
def test_a_wav_from_a_pipe_does_not_know_its_size(tmp_path: Path, size: int) -> None:
    (tmp_path / "a.wav").write_bytes(wav(bytes(range(200)), size))
    assert (read(tmp_path / "a.wav")[:, 0] // 256 + 128).tolist() == list(range(200))


@pytest.mark.parametrize("padding", [b"", b"\0", b"\0LIST\4\0\0\0INFO"])
def test_odd_chunks_of_a_wav(tmp_path: Path, padding: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(wav(bytes(range(201)) + padding, 201, (b"junk", b"odd")))
    assert (read(tmp_path / "a.wav")[:, 0] // 256 + 128).tolist() == list(range(201))


def save_rf64(path: Path) -> Samples:
    """A mono 16-bit RF64 of 1000 frames, whose sizes are in its ds64 chunk."""
    samples = noise(SEED, 1000)
    fmt = struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16)
    ds64 = struct.pack("<QQQI", 2072, 2000, 1000, 0)
    path.write_bytes(
        b"RF64\xff\xff\xff\xffWAVE"
        + (b"ds64" + struct.pack("<I", len(ds64)) + ds64)
        + (b"fmt " + struct.pack("<I", len(fmt)) + fmt)
        + (b"data\xff\xff\xff\xff" + samples.tobytes())
    )
    return samples


def test_rf64(tmp_path: Path) -> None:
    samples = save_rf64(tmp_path / "a.wav")
    assert np.array_equal(read(tmp_path / "a.wav"), samples)


def test_a_flac_that_does_not_know_its_length(tmp_path: Path) -> None:
    path = save(tmp_path / "a.flac", noise(SEED, 50_000))
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # the 36 bits of the number of frames, in STREAMINFO
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert np.array_equal(read(path), noise(SEED, 50_000))
    assert run("info", path, "--json").report["files"][0]["frames"] == 50_000


def test_debug_shows_the_traceback(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    result = run_python("-m", "livekit_utils", "--debug", "info", str(tmp_path / "no.wav"))
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback")
    assert "FileNotFoundError" in result.stderr.splitlines()[-1]
    result = run_python("-m", "livekit_utils", "info", str(tmp_path / "no.wav"))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"error: {tmp_path / 'no.wav'}: No such file or directory\n"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes on POSIX only")
def test_names_that_are_not_utf_8(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    plain = save(tmp_path / "a.wav", noise(SEED, 500, 1))
    odd = tmp_path / os.fsdecode(b"\xff\xfe.wav")
    try:
        plain.rename(odd)
    except OSError:
        pytest.skip("this file system takes no such name")
    out = tmp_path / os.fsdecode(b"\xfd.flac")
    for arguments in (["info", str(odd)], ["mix", str(odd), "-o", str(out)]):
        result = run_python("-m", "livekit_utils", *arguments)
        assert (result.returncode, result.stderr) == (0, "")
    assert out.exists()


EMPTY = {
    "IN": ["", "o.wav"],
    "[OUT]": ["a.wav", ""],
    "--output": ["a.wav", "-o", ""],
    "--plot": ["a.wav", "o.wav", "--plot="],
}


@pytest.mark.parametrize("name", EMPTY)
def test_a_name_that_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.wav", noise(SEED, 10))
    assert refuse("convert", *EMPTY[name]).startswith(f"{name}: expected the name of a file, got ''; see ")
