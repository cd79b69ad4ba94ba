"""Files without a header, AU, and the encodings that WAV and AU are written in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

import soundfile

from livekit_utils import AudioByteStream, AudioFrame, encode_alaw, encode_ulaw, resample_audio
from livekit_utils._kernels import pcm
from livekit_utils.files.raw_format import RawFormat
from livekit_utils.telephony.encodings import ENCODINGS
from tests.support.cli_commands import Samples, invoke, load, noise, refuse, run, save
from tests.support.randomness import SEED

FORMATS = {"ulaw": encode_ulaw, "alaw": encode_alaw}
SUBTYPES = {"u8": "PCM_U8", "s16": "PCM_16", "s24": "PCM_24", "s32": "PCM_32", "f32": "FLOAT", "f64": "DOUBLE"}


def encoded(samples: Samples, encoding: str) -> bytes:
    """int16 samples as raw bytes, by the functions of the library."""
    frame = AudioFrame(samples.tobytes(), 8000, samples.shape[1], len(samples))
    return FORMATS[encoding](frame) if encoding in FORMATS else bytes(pcm.from_s16(frame, encoding)[0])


def decoded(data: bytes, encoding: Any, num_channels: int) -> Samples:
    stream = AudioByteStream(8000, num_channels, 100, encoding=encoding)
    frames = stream.push(data) + stream.flush()
    return np.concatenate([np.asarray(frame.data, np.int16) for frame in frames]).reshape(-1, num_channels)


@pytest.mark.parametrize("num_channels", [1, 3])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_in_and_out(tmp_path: Path, encoding: str, num_channels: int) -> None:
    samples = noise(SEED, 1001, num_channels)
    data = encoded(samples, encoding)
    raw, wav, back = tmp_path / "a.raw", tmp_path / "a.wav", tmp_path / "b.bin"
    raw.write_bytes(data)
    options = ("--raw", f"{encoding}:11025:{num_channels}")
    run("convert", raw, wav, *options)
    assert soundfile.info(wav).samplerate == 11025
    assert np.array_equal(load(wav), decoded(data, encoding, num_channels))
    run("convert", wav, back, *options)
    assert back.read_bytes() == encoded(load(wav), encoding)
    report = run("info", raw, "--json", *options).report["files"][0]
    assert (report["format"], report["sample_rate"], report["channels"]) == ("RAW", 11025, num_channels)
    assert report["frames"] == 1001


def test_floats_beyond_full_scale_and_nan(tmp_path: Path) -> None:
    values = np.array([0.5, 1.5, -1.5, np.inf, -np.inf, np.nan, 0.25], "<f4")
    raw, wav = tmp_path / "a.raw", tmp_path / "a.wav"
    raw.write_bytes(values.tobytes())
    report = run("convert", raw, wav, "--raw", "f32le:8000", "--json").report
    assert load(wav).ravel().tolist() == [16384, 32767, -32768, 32767, -32768, 0, 8192]
    assert report["inputs"][0]["clipped_samples"] == 5


def test_the_rate_and_channels_of_a_raw_output(tmp_path: Path) -> None:
    samples = noise(SEED, 4800, 2, peak=8000)
    path, out = save(tmp_path / "a.wav", samples, 48_000), tmp_path / "out.ulaw"
    run("convert", path, out, "--raw", "ulaw:8000")
    assert len(out.read_bytes()) == 800
    run("convert", path, out, "--raw", "ulaw:8000", "--rate", 16_000, "--channels", 2, "--force")
    assert len(out.read_bytes()) == 2 * 1600
    run("convert", path, out, "--raw", "s16be:48000", "--pick", "1,0", "--force")
    assert out.read_bytes() == samples[:, ::-1].astype(">i2").tobytes()
    run("resample", path, out, "--raw", "s16le:48000:2", "--rate", 16_000, "--force")
    expected = resample_audio(samples, 48_000, 16_000, num_channels=2, quality="very_high")
    assert out.read_bytes() == np.asarray(expected).tobytes()


def test_raw_to_raw(tmp_path: Path) -> None:
    samples = noise(SEED, 999, 1)
    line, out = tmp_path / "a.alaw", tmp_path / "b.raw"
    line.write_bytes(encoded(samples, "alaw"))
    run("convert", line, out, "--raw", "alaw:8000")
    assert out.read_bytes() == line.read_bytes()
    run("convert", line, out, "--raw", "alaw:8000", "--encoding", "s16", "--force")
    assert out.read_bytes() == decoded(line.read_bytes(), "alaw", 1).tobytes()


def test_mix(tmp_path: Path) -> None:
    samples = noise(SEED, 2000, 1, peak=8000)
    wav, line, out = save(tmp_path / "a.wav", samples, 8000), tmp_path / "b.ulaw", tmp_path / "out.wav"
    line.write_bytes(encoded(samples, "ulaw"))
    run("mix", wav, line, "-o", out, "--raw", "ulaw:8000")
    assert np.array_equal(load(out), samples + decoded(line.read_bytes(), "ulaw", 1))
    raw = tmp_path / "out.ulaw"
    run("mix", wav, line, "-o", raw, "--raw", "ulaw:8000")
    assert raw.read_bytes() == encoded(load(out), "ulaw")


def test_standard_streams() -> None:
    samples = noise(SEED, 800, 1)
    command = [sys.executable, "-m", "livekit_utils", "convert", "-", "-", "--raw", "ulaw:8000"]
    data = encoded(samples, "ulaw")
    got = subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)
    assert got.stdout == encoded(decoded(data, "ulaw", 1), "ulaw")
    command = [sys.executable, "-m", "livekit_utils", "info", "-", "--raw", "ulaw:8000"]
    got = subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)
    assert b"RAW ULAW" in got.stdout
    assert b"0.100 s" in got.stdout


@pytest.mark.parametrize("num_channels", [1, 3])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_pipe_gives_what_a_file_gives(tmp_path: Path, encoding: str, num_channels: int) -> None:
    data = encoded(noise(SEED, 1001, num_channels), encoding)
    raw, of_file, of_pipe = tmp_path / "a.raw", tmp_path / "file.wav", tmp_path / "pipe.wav"
    raw.write_bytes(data)
    options = ("--raw", f"{encoding}:8000:{num_channels}")
    run("convert", raw, of_file, *options)
    command = [sys.executable, "-m", "livekit_utils", "convert", "-", str(of_pipe), *options]
    subprocess.run(command, input=data, capture_output=True, check=True, timeout=60)
    assert of_pipe.read_bytes() == of_file.read_bytes()


def test_samples_of_a_pipe_are_read_as_they_come() -> None:
    """The pipe never ends."""
    command = [sys.executable, "-m", "livekit_utils", "convert", "-", "-", "--raw", "s16le:8000", "--end", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(bytes(32_000))  # two seconds, and no end
            process.stdin.flush()
            assert len(process.stdout.read()) == 16_000
            assert process.wait(60) == 0
        finally:
            process.kill()


def test_the_end_of_a_pipe_in_the_middle_of_a_sample() -> None:
    command = [sys.executable, "-m", "livekit_utils", "info", "-", "--raw", "s16le:8000:2"]
    got = subprocess.run(command, input=bytes(4 * 800 + 3), capture_output=True, check=True, timeout=60)
    assert b"the last 3 bytes are no whole sample" in got.stderr
    assert b"0.100 s" in got.stdout


@pytest.mark.parametrize("encoding", [*SUBTYPES, "ulaw", "alaw"])
@pytest.mark.parametrize("suffix", ["wav", "au"])
@pytest.mark.parametrize("length", [1001, 0])
def test_encodings_of_wav_and_au(tmp_path: Path, encoding: str, suffix: str, length: int) -> None:
    samples = noise(SEED, length, 3)
    path, out = save(tmp_path / "a.wav", samples, 22_050), tmp_path / f"out.{suffix}"
    if suffix == "au" and encoding in ("u8", "f64"):
        assert refuse("convert", path, out, "--encoding", encoding) == (
            f"--encoding: expected s16, s24, s32, f32, ulaw, alaw for AU, got {encoding}"
        )
        return
    report = run("convert", path, out, "--encoding", encoding, "--json").report
    info = soundfile.info(out)
    assert (info.format, info.samplerate, info.channels, info.frames) == (suffix.upper(), 22_050, 3, length)
    assert info.subtype == report["output"]["subtype"] == SUBTYPES.get(encoding, encoding.upper())
    name = encoding if encoding in ("u8", "ulaw", "alaw") else encoding + ("le" if suffix == "wav" else "be")
    data = out.read_bytes()
    at = data.index(b"data") + 8 if suffix == "wav" else 28
    assert data[at:] == encoded(samples, name) + (b"\0" if len(encoded(samples, name)) % 2 and suffix == "wav" else b"")
    again = run("info", out, "--json").report["files"][0]
    assert (again["frames"], again["channels"], again["format"]) == (length, 3, suffix.upper())


def test_au_is_16_bits_unless_said(tmp_path: Path) -> None:
    samples = noise(SEED, 500, 2)
    path, out, back = save(tmp_path / "a.wav", samples), tmp_path / "a.au", tmp_path / "b.wav"
    run("convert", path, out)
    assert out.read_bytes()[28:] == samples.astype(">i2").tobytes()
    run("convert", out, back)
    assert np.array_equal(load(back), samples)


@pytest.mark.parametrize(("mark", "order"), [(b".snd", "big"), (b"dns.", "little")])
def test_sizes_of_au_that_are_not_true(tmp_path: Path, mark: bytes, order: Any) -> None:
    path = tmp_path / "a.au"
    for told, warning in {
        100: "",
        0xFFFFFFFF: "",
        101: f"warning: {path}: expected 101 bytes of sound, as its header says, got 100, which are read\n",
    }.items():
        head = b"".join(number.to_bytes(4, order) for number in (24, told, 1, 8000, 1))
        path.write_bytes(mark + head + bytes(100))
        result = invoke("info", path, "--json")
        assert result.errors == warning
        assert result.report["files"][0]["frames"] == 100


def test_a_part_of_a_sample_at_the_end(tmp_path: Path) -> None:
    raw, out = tmp_path / "a.raw", tmp_path / "a.wav"
    raw.write_bytes(bytes(4 * 100 + 3))
    result = invoke("convert", raw, out, "--raw", "s16le:8000:2")
    assert result.errors == (
        f"warning: {raw}: the last 3 bytes are no whole sample of all channels, and are left out\n"
    )
    assert load(out).shape == (100, 2)


@pytest.mark.parametrize(
    ("text", "rate"), [("ulaw:8k", 8000), ("ulaw:44.1K", 44_100), ("ulaw:11.025k", 11_025), ("ulaw:7350", 7350)]
)
def test_rates_as_people_write_them(text: str, rate: int) -> None:
    assert RawFormat.parse(text) == RawFormat("ulaw", rate, 1)


def test_refusals(tmp_path: Path) -> None:
    path, raw, out = save(tmp_path / "a.wav", noise(SEED, 100, 1)), tmp_path / "a.raw", tmp_path / "b.wav"
    raw.write_bytes(b"")
    names = ", ".join(ENCODINGS)
    for text, error in {
        "": f"expected an encoding ({names}), got ''",
        "mulaw:8000": f"expected an encoding ({names}), got 'mulaw'",
        "ulaw": "expected ENCODING:RATE or ENCODING:RATE:CHANNELS, got 'ulaw'",
        "ulaw:8x": "expected ENCODING:RATE or ENCODING:RATE:CHANNELS, got 'ulaw:8x'",
        "ulaw:8000:1:1": "expected ENCODING:RATE or ENCODING:RATE:CHANNELS, got 'ulaw:8000:1:1'",
        "ulaw:-1": "expected ENCODING:RATE or ENCODING:RATE:CHANNELS, got 'ulaw:-1'",
        "ulaw:0": "expected a rate of 1 to 3072000 Hz, got 0",
        "ulaw:8000:129": "expected 1 to 128 channels, got 129",
    }.items():
        assert refuse("convert", raw, out, "--raw", text) == f"--raw: {error}"
    assert refuse("convert", raw, out, "--raw", "ulaw:8000") == f"{raw}: expected samples of ulaw, got an empty file"
    assert refuse("convert", path, out, "--raw", "ulaw:8000") == (
        f"--raw: expected a file that is not called like a sound file, or -, got {path}, {out}"
    )
    assert refuse("convert", path, tmp_path / "b.ulaw").endswith(
        "expected a name that ends in .wav, .flac, .ogg, .opus, .au, .rf64, got .ulaw; --raw makes it a file without a "
        "header"
    )
    assert refuse("convert", path, tmp_path / "b.flac", "--encoding", "ulaw") == (
        "--encoding: expected no --encoding for FLAC, got ulaw"
    )
    assert not out.exists()
