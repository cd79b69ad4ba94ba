"""What lies above full scale in a file is not lost, or it is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")
pytest.importorskip("matplotlib")

from livekit_utils.files.level_meter import LevelMeter
from livekit_utils.files.samples import as_frame
from tests.support.cli_commands import load, run, save
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
