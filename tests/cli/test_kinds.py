"""Every kind of file that can be read is read, and each that is named is written, to the sample."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

import soundfile

from tests.support.cli_commands import invoke, load, noise, refuse, run, save
from tests.support.randomness import SEED

KINDS = {"AIFF": "FLOAT", "AU": "PCM_16", "AVR": "PCM_16", "CAF": "PCM_24", "IRCAM": "PCM_16", "MAT5": "PCM_16",
         "NIST": "PCM_16", "PAF": "PCM_16", "PVF": "PCM_16", "RF64": "PCM_16", "SDS": "PCM_16", "SVX": "PCM_16",
         "VOC": "PCM_16", "W64": "PCM_16", "WVE": "ALAW"}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_what_libsndfile_reads_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind.lower()}"
    soundfile.write(path, noise(SEED, 8001, 1, 9000) / 32768, 8000, format=kind, subtype=KINDS[kind])
    expected = soundfile.read(path, dtype="float64", always_2d=True)[0]
    run("convert", path, tmp_path / "b.wav")
    assert np.abs(load(tmp_path / "b.wav") / 32768 - expected).max() <= 0.5 / 32768


def test_what_only_pyav_reads_is_read(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    path = tmp_path / "a.m4a"
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)).astype(np.float32)
    with av.open(str(path), "w") as file:
        stream = file.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    report = run("convert", path, tmp_path / "b.wav", "--json").report
    assert report["inputs"][0]["subtype"] == "AAC"
    assert np.abs(np.fft.rfft(load(tmp_path / "b.wav")[:48_000, 0])).argmax() == 440


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_opus_is_written(tmp_path: Path, rate: int) -> None:
    report = run("tone", 440, 1, tmp_path / "a.opus", "--rate", rate, "--json").report
    assert (report["output"]["format"], report["output"]["subtype"]) == ("OGG", "OPUS")
    samples, got = soundfile.read(tmp_path / "a.opus")
    assert (got, len(samples)) == (rate, rate)
    assert np.abs(np.fft.rfft(samples)).argmax() == 440


def test_rates_that_opus_lacks(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 1000), 44_100)
    assert "for Opus, got 44100 Hz; --rate 48k converts" in refuse("convert", path, tmp_path / "a.opus")
    run("convert", path, tmp_path / "a.opus", "--rate", "48k")


def test_rf64_is_written(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 1000, 2))
    run("convert", path, tmp_path / "b.rf64")
    assert (tmp_path / "b.rf64").read_bytes()[:4] == b"RF64"
    assert np.array_equal(load(tmp_path / "b.rf64"), load(path))


def test_soft_is_not_silent(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.full((48_000, 1), 1e-5), subtype="FLOAT")
    (file,) = run("info", path, "--json").report["files"]
    assert file["peak_dbfs"] == pytest.approx(-100)
    assert "-100.0 dBFS" in run("info", path).output


@pytest.mark.parametrize("command", ["convert", "mix"])
@pytest.mark.parametrize("options", [["{0}", "{1}"], ["{0}", "-o", "{1}"], ["-o", "{1}", "{0}"]])
def test_the_output_is_last_or_named(tmp_path: Path, command: str, options: list[str]) -> None:
    path, out = save(tmp_path / "a.wav", noise(SEED, 1000)), tmp_path / "b.wav"
    report = run(command, *(option.format(path, out) for option in options), "--json").report
    assert np.array_equal(load(out), load(path))
    assert (report["inputs"][0]["path"], report["output"]["path"]) == (str(path), str(out))


@pytest.mark.parametrize(
    ("gains", "expected"),
    [(["-6dB"], [-6, -6]), (["2=-3"], [0, -3]), (["1=-3 dB", "-12"], [-3, -12]), (["+1.5"], [1.5, 1.5])],
)
def test_gains_of_equal_names(tmp_path: Path, gains: list[str], expected: list[float]) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 1000, 1, 1000))
    options = [part for gain in gains for part in ("--gain", gain)]
    report = run("mix", path, path, tmp_path / "b.wav", *options, "--json").report
    assert [track["gain_db"] for track in report["inputs"]] == expected
    message = refuse("mix", path, path, tmp_path / "c.wav", "--gain", "a=-3")
    assert message.endswith("; number 1 or 2 names one")


@pytest.mark.parametrize(
    ("text", "rate"), [("16k", 16_000), ("44.1k", 44_100), ("22.05 kHz", 22_050), ("8000Hz", 8000)]
)
def test_rates_as_people_write_them(tmp_path: Path, text: str, rate: int) -> None:
    run("tone", "1k", 0.1, tmp_path / "a.wav", "--rate", text)
    assert soundfile.info(tmp_path / "a.wav").samplerate == rate


def test_a_gain_of_a_conversion_comes_before_rounding(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.full((1000, 1), 1.5), subtype="FLOAT")
    report = run("convert", path, tmp_path / "b.wav", "--gain", "-6dB", "--json").report
    assert np.abs(load(tmp_path / "b.wav") - 1.5 * 10 ** (-6 / 20) * 32768).max() <= 0.5
    assert (report["clipped_samples"], report["inputs"][0]["clipped_samples"]) == (0, 0)


def test_the_picture_of_info(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path, short = save(tmp_path / "a.wav", noise(SEED, 48_000)), save(tmp_path / "b.wav", noise(SEED, 4800))
    run("info", path, short, "--plot", tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"
    assert "--force replaces it" in refuse("info", path, "--plot", tmp_path / "p.png")
    assert "ends in .png" in refuse("info", path, "--plot", tmp_path / "p.gif")


@pytest.mark.parametrize("suffix", ["wav", "au"])
def test_24_bits_stay_24_bits(tmp_path: Path, suffix: str) -> None:
    wide = np.random.default_rng(SEED).integers(-(2**23), 2**23, (5001, 3)) * 256
    path = save(tmp_path / "a.wav", wide.astype(np.int32), subtype="PCM_24")
    run("convert", path, tmp_path / f"b.{suffix}", "--encoding", "s24", "--pick", "2,0", "--start", 0.01)
    got = soundfile.read(tmp_path / f"b.{suffix}", dtype="int32")[0]
    assert np.array_equal(got, wide[480:, [2, 0]])


def test_24_bits_are_dithered(tmp_path: Path) -> None:
    # A tone of a third of a step, which rounding alone would make silence.
    tone = 2.0**-23 / 3 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    path = save(tmp_path / "a.wav", tone, subtype="DOUBLE")
    for out in ("b.wav", "c.wav"):
        run("convert", path, tmp_path / out, "--encoding", "s24")
    got = soundfile.read(tmp_path / "b.wav", dtype="int32")[0] >> 8
    assert set(np.unique(got)) <= {-2, -1, 0, 1, 2}
    spectrum = np.abs(np.fft.rfft(got))
    assert spectrum.argmax() == 1000
    assert spectrum[1000] == pytest.approx(48_000 / 2 / 3, rel=0.1)
    assert (tmp_path / "b.wav").read_bytes() == (tmp_path / "c.wav").read_bytes()


@pytest.mark.parametrize(("encoding", "clips"), [("f32", False), ("f64", False), ("s24", True), ("s32", True)])
def test_peaks_above_full_scale(tmp_path: Path, encoding: str, clips: bool) -> None:
    samples = (1.5 * np.sin(np.arange(4800) / 7)).astype(np.float32)
    path = save(tmp_path / "a.wav", samples, subtype="FLOAT")
    report = run("convert", path, tmp_path / "b.wav", "--encoding", encoding, "--json").report
    num_above = np.count_nonzero(np.abs(samples) > 1)
    assert report["clipped_samples"] == pytest.approx(num_above if clips else 0, abs=2)
    expected = np.clip(samples, -1, 1) if clips else samples
    assert np.abs(soundfile.read(tmp_path / "b.wav")[0] - expected).max() <= 2**-22
    run("convert", path, tmp_path / "c.wav", "--encoding", encoding, "--gain", "-6")
    got = soundfile.read(tmp_path / "c.wav")[0]
    assert np.abs(got - samples * 10 ** (-6 / 20)).max() <= 2**-22


def test_what_needs_pyav_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.m4a").write_bytes(bytes(4) + b"ftypM4A " + bytes(1000))
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    assert "decoding it needs PyAV: pip install" in refuse("info", tmp_path / "a.m4a")


@pytest.mark.parametrize(("encoding", "tolerance"), [("f32", 2**-24), ("s24", 2**-22)])
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("level", [["--gain", "-30"], ["--normalize", "-30"]])
def test_a_level_of_more_than_16_bits(
    tmp_path: Path, encoding: str, tolerance: float, subtype: str, level: list[str]
) -> None:
    wave = np.sin(2 * np.pi * 440 * np.arange(4801) / 48_000)
    values = np.rint(wave * 32_767).astype(np.int16) if subtype == "PCM_16" else wave.astype(np.float32)
    path = save(tmp_path / "a.wav", values, subtype=subtype)
    report = run("convert", path, tmp_path / "b.wav", "--encoding", encoding, *level, "--json").report
    gain = 10 ** (report["inputs"][0]["gain_db"] / 20)
    assert gain == pytest.approx(10**-1.5, rel=1e-3)
    got = soundfile.read(tmp_path / "b.wav", dtype="float64")[0]
    assert np.abs(got - soundfile.read(path, dtype="float64")[0] * gain).max() < tolerance


def test_a_gain_that_only_floats_hold(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 4800))
    report = run("convert", path, tmp_path / "b.wav", "--encoding", "f32", "--gain", "+6", "--json").report
    assert (report["clipped_samples"], report["inputs"][0]["clipped_samples"]) == (0, 0)
    assert np.abs(soundfile.read(tmp_path / "b.wav")[0]).max() > 1.9


@pytest.mark.parametrize("options", [["--rate", 16_000], ["--channels", 1]])
def test_what_has_passed_16_bits_says_so(tmp_path: Path, options: list[object]) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 4800, 2))
    warning = "b.wav: its s24 samples hold 16 bits: what is resampled or averaged is rounded to them\n"
    result = invoke("convert", path, tmp_path / "b.wav", "--encoding", "s24", *options)
    assert result.exit_code == 0
    assert result.errors.endswith(warning)
    run("convert", path, tmp_path / "c.wav", "--encoding", "s16", *options)
    run("convert", path, tmp_path / "d.wav", "--encoding", "s24")


@pytest.mark.parametrize("name", ["b.raw", "-"])
def test_samples_without_a_header_keep_all_bits(tmp_path: Path, name: str) -> None:
    values = np.array([0.25, 1.5, -1.5, 2**-20, -(2**-22)], "<f4")
    (tmp_path / "a.raw").write_bytes(values.tobytes())
    command = ["convert", "a.raw", name, "--raw", "f32le:8000", "--gain", "0"]
    result = subprocess.run(
        [sys.executable, "-m", "livekit_utils", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        check=True,
    )
    assert (result.stdout if name == "-" else (tmp_path / name).read_bytes()) == values.tobytes()
