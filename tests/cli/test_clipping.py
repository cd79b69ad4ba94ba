"""What lies above full scale in a file is not lost, or it is said."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")
pytest.importorskip("matplotlib")

from livekit_utils.batch import Job, MixInput, convert_file
from livekit_utils.files.level_meter import LevelMeter
from livekit_utils.files.samples import as_frame
from tests.support.cli_commands import load, noise, run, save
from tests.support.randomness import SEED
from tests.support.sound_files import decode

PEAK = 1.5  # +3.5 dBFS


def hot(directory: Path, format: str) -> Path:
    tone = PEAK * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    return save(directory / f"hot.{format}", tone.astype(np.float32), subtype="FLOAT" if format == "wav" else None)


@pytest.mark.parametrize("format", ["wav", "mp3", "ogg"])
def test_gains_come_before_rounding(tmp_path: Path, format: str) -> None:
    path = hot(tmp_path, format)
    values = decode(path.read_bytes())
    report = run("mix", path, "-o", tmp_path / "o.wav", "--gain", "hot=-6", "--json").report
    expected = np.rint(values * np.float32(10 ** (-6 / 20)) * np.float32(32768))
    assert np.abs(load(tmp_path / "o.wav") - expected).max() <= 1
    assert np.abs(expected).max() > 20_000
    assert (report["clipped_samples"], report["inputs"][0]["clipped_samples"]) == (0, 0)
    assert report["inputs"][0]["peak_dbfs"] == pytest.approx(3.52, abs=0.3)


@pytest.mark.parametrize("format", ["wav", "mp3", "ogg"])
def test_levels_above_full_scale_are_shown(tmp_path: Path, format: str) -> None:
    path = hot(tmp_path, format)
    peak_dbfs = 20 * np.log10(np.abs(decode(path.read_bytes())).max())
    [file] = run("info", path, "--json").report["files"]
    assert file["peak_dbfs"] == pytest.approx(peak_dbfs, abs=1e-3)
    assert file["rms_dbfs"] == pytest.approx(3.52 - 3.01, abs=0.1)
    assert f"{peak_dbfs:.1f} dBFS" in run("info", path).output


@pytest.mark.parametrize("command", ["mix", "resample"])
def test_what_is_clipped_is_said(tmp_path: Path, command: str) -> None:
    path = hot(tmp_path, "wav")
    out = tmp_path / "o.wav"
    arguments = ["mix", path, "-o", out] if command == "mix" else ["resample", path, out, "--rate", 48_000]
    values = decode(path.read_bytes()) * np.float64(32768)
    num_clipped = np.count_nonzero((values >= 32767.5) | (values <= -32768.5))
    assert num_clipped > 10_000
    report = run(*arguments, "--json", "--plot", tmp_path / "o.png").report
    assert report["inputs"][0]["clipped_samples"] == num_clipped
    output = run(*arguments, "--force").output
    line = f"clipped on reading: {num_clipped} samples of hot.wav, which peaks at +3.5 dBFS; --gain hot=-4"
    assert line in output.splitlines()


def test_a_gain_may_be_what_clips(tmp_path: Path) -> None:
    quiet = save(tmp_path / "a.wav", np.full((100, 1), 0.5), subtype="FLOAT")
    output = run("mix", quiet, "-o", tmp_path / "o.wav", "--gain", "a=10").output
    assert "clipped on reading: 100 samples of a.wav, which peaks at +4.0 dBFS; --gain a=6" in output.splitlines()


@pytest.mark.parametrize("command", ["convert", "resample", "mix", "batch", "batch mix"])
@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_every_command_keeps_peaks_through_a_gain(tmp_path: Path, command: str, format: str) -> None:
    path, out = hot(tmp_path, format), tmp_path / "o.wav"
    expected = decode(path.read_bytes())[:, 0] * 10 ** (-6 / 20)
    assert np.abs(expected).max() > 0.6
    if command.startswith("batch"):
        if command == "batch mix":
            inputs = [{"path": path.name, "gain_db": -2}, {"path": path.name, "gain_db": -60}]
            (tmp_path / "mixes.jsonl").write_text(json.dumps({"output": "hot.wav", "inputs": inputs}))
            arguments, expected = ["--mix", tmp_path / "mixes.jsonl"], expected * (10 ** (-2 / 20) + 0.001)
        else:
            arguments = [path]
        options = ["--format", "wav", "--gain", "-6dB", "--jobs", 1, "--json"]
        report = run("batch", *arguments, tmp_path / "out", *options).report
        assert (report["num_done"], report["num_clipped"]) == (1, 0)
        out = next((tmp_path / "out").rglob("hot.wav"))
    else:
        arguments = ["--rate", 48_000] if command == "resample" else []
        report = run(command, path, out, "--gain", "-6", "--json", *arguments).report
        assert (report["clipped_samples"], report["inputs"][0]["clipped_samples"]) == (0, 0)
    assert np.abs(load(out)[:, 0] - expected * 32768).max() <= 1.5


def test_a_corpus_counts_what_is_clipped(tmp_path: Path) -> None:
    path = hot(tmp_path, "wav")
    result = run("batch", path, tmp_path / "out", "--format", "wav", "--jobs", 1)
    assert "clipped outputs: 1; --gain=-3 or --normalize=-1 avoids it" in result.output
    line = json.loads((tmp_path / "out" / "manifest.jsonl").read_text())
    assert line["num_clipped"] > 10_000
    assert re.search(r"clipped on reading: \d{5} samples above full scale; a lower gain_db", " ".join(line["warnings"]))


def test_the_signal_to_noise_ratio_of_what_is_above_full_scale(tmp_path: Path) -> None:
    loud, out = hot(tmp_path, "wav"), tmp_path / "mix.wav"
    noisy = save(tmp_path / "noise.wav", noise(SEED, 48_000, peak=10_000))
    inputs = [MixInput(str(loud), gain_db=-12), MixInput(str(noisy), snr_db=10)]
    result = convert_file(Job(inputs, out))
    assert (result.ok, result.num_clipped, result.warnings) == (True, 0, ())
    tone = decode(loud.read_bytes())[:, 0] * 10 ** (-12 / 20) * 32768
    rest = load(out)[:, 0] - tone
    assert 10 * np.log10(np.mean(tone**2) / np.mean(rest**2)) == pytest.approx(10, abs=0.02)
    result = convert_file(Job([MixInput(str(loud)), str(noisy)], out, normalize="-1"))
    assert (result.num_clipped, result.warnings) == (0, ())
    assert result.peak_dbfs == pytest.approx(-1, abs=0.01)


@pytest.mark.parametrize("command", ["convert", "mix"])
def test_one_piece_of_advice(tmp_path: Path, command: str) -> None:
    """It is the gain that the input needs; following it leaves nothing clipped."""
    path = hot(tmp_path, "wav").rename(tmp_path / "loud one.wav")
    lines = run(command, path, tmp_path / "o.wav").output.splitlines()
    advice = [line for line in lines if "clipped" in line]
    assert re.fullmatch(r"clipped samples: \d+", advice[0])
    assert advice[1].endswith(" samples of loud one.wav, which peaks at +3.5 dBFS; --gain 1=-4")
    report = run(command, path, tmp_path / "o.wav", "--force", "--gain", "1=-4", "--json").report
    assert (report["clipped_samples"], report["inputs"][0]["clipped_samples"]) == (0, 0)


def test_the_advice_for_a_filter_that_overshoots(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.where(np.arange(9600) // 100 % 2, 32_766, -32_766).astype(np.int16))
    lines = run("convert", path, tmp_path / "o.wav", "--rate", "32k").output.splitlines()
    [line] = [line for line in lines if "clip" in line]
    assert re.fullmatch(r"clipped samples: [1-9]\d*; --normalize=-1 avoids it", line)
    report = run("convert", path, tmp_path / "o.wav", "--rate", "32k", "--force", "--normalize=-1", "--json").report
    assert report["clipped_samples"] == 0


def test_not_a_number_counts(tmp_path: Path) -> None:
    values = np.array([[np.nan], [np.inf], [-np.inf], [0.25], [32767.49 / 32768], [-1.0]], np.float32)
    frame, num_clipped = as_frame(values, 8000)
    assert np.asarray(frame)[:, 0].tolist() == [0, 32767, -32768, 8192, 32767, -32768]
    assert num_clipped == 3
    path = save(tmp_path / "a.wav", values, subtype="FLOAT")
    report = run("mix", path, "-o", tmp_path / "o.wav", "--json", "--plot", tmp_path / "o.png").report
    assert report["inputs"][0]["clipped_samples"] == 3
    assert report["inputs"][0]["peak_dbfs"] > 700
    assert "samples of a.wav" in run("mix", path, "-o", tmp_path / "o.wav", "--force").output


def test_levels_of_floats_are_those_of_int16() -> None:
    samples = np.random.default_rng(SEED).integers(-32768, 32768, (1000, 2), np.int16)
    one, other = LevelMeter(), LevelMeter()
    one.add(samples)
    other.add(samples.astype(np.float32) / np.float32(32768))
    assert other.peak == one.peak
    assert other.rms_dbfs == pytest.approx(one.rms_dbfs, abs=1e-12)


def test_a_loud_picture(tmp_path: Path, run_python: Callable[..., Any]) -> None:
    path = hot(tmp_path, "wav")
    result = run_python("-W", "error", "-m", "livekit_utils", "mix", str(path), "-o", str(tmp_path / "o.wav"), "--gain",
                        "hot=-6", "--plot", str(tmp_path / "o.png"))  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
