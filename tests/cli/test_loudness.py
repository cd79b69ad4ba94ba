"""`--normalize` to a loudness, and the loudness that `info` tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from livekit_utils import AudioFrame, LoudnessMeter
from tests.support.cli_commands import Samples, load, noise, refuse, run, save
from tests.support.randomness import SEED

COMMANDS = ["convert", "mix"]


def arguments(command: str, path: Path, out: Path) -> list[object]:
    return ["convert", path, out] if command == "convert" else ["mix", path, "-o", out]


def meter_of(samples: Samples, sample_rate: int) -> LoudnessMeter:
    meter = LoudnessMeter(sample_rate, samples.shape[1])
    meter.push(AudioFrame(samples, sample_rate, samples.shape[1], len(samples)))
    return meter


def sine(seconds: float, peak: float, sample_rate: int = 48_000, num_channels: int = 2) -> Any:
    tone = peak * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * sample_rate)) / sample_rate)
    return np.repeat(tone[:, None], num_channels, axis=1).astype(np.float32)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("peak", [0.002, 0.3, 0.999, 8.0])
@pytest.mark.parametrize("wanted", [-16, -23.5])
def test_the_loudness_that_was_asked_for(
    tmp_path: Path, command: str, subtype: str, peak: float, wanted: float
) -> None:
    path = save(tmp_path / "a.wav", sine(2, min(peak, 0.999) if subtype != "FLOAT" else peak), subtype=subtype)
    out = tmp_path / "b.wav"
    options = ["--normalize", f"{wanted}LUFS", "--json"]
    report = run(*arguments(command, path, out), *options).report
    meter = meter_of(load(out), 48_000)
    assert meter.integrated_lufs == pytest.approx(wanted, abs=0.1)
    assert report["output"]["integrated_lufs"] == pytest.approx(meter.integrated_lufs, abs=1e-9)
    assert report["output"]["true_peak_dbtp"] == pytest.approx(meter.true_peak_dbtp, abs=1e-9)
    assert report["output"]["loudness_range_lu"] == 0
    assert report["loudness_note"] is None
    assert report["clipped_samples"] == report["inputs"][0]["clipped_samples"] == 0
    assert report["inputs"][0]["gain_db"] == pytest.approx(wanted - meter_level(path), abs=0.1)
    assert (
        f"loudness: {wanted:.1f} LUFS, 0.0 LU, " in run(*arguments(command, path, out), *options[:2], "--force").output
    )


def meter_level(path: Path) -> float:
    level = run("info", path, "--json").report["files"][0]["integrated_lufs"]
    assert isinstance(level, float)
    return level


@pytest.mark.parametrize("command", COMMANDS)
def test_the_true_peak_limits_the_gain(tmp_path: Path, command: str) -> None:
    samples = sine(2, 0.01)
    samples[48_000:48_010] = 0.8
    path, out = save(tmp_path / "a.wav", samples), tmp_path / "b.wav"
    report = run(*arguments(command, path, out), "--normalize=-10LUFS", "--json").report
    meter = meter_of(load(out), 48_000)
    assert meter.true_peak_dbtp == pytest.approx(-1, abs=0.01)
    short = -10 - meter.integrated_lufs
    assert short > 10
    note = f"{short:.1f} dB below -10 LUFS: more would bring the true peak above -1 dBTP"
    assert report["loudness_note"] == note
    lines = run(*arguments(command, path, out), "--normalize=-10LUFS", "--force").output.splitlines()
    assert [line for line in lines if line.startswith("loudness: ") and line.endswith(f"; {note}")]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("samples", [np.zeros((48_000, 2), np.int16), np.full((10_000, 2), 9000, np.int16)])
def test_what_has_no_loudness_stays(tmp_path: Path, command: str, samples: Samples) -> None:
    path, out = save(tmp_path / "a.wav", samples), tmp_path / "b.wav"
    report = run(*arguments(command, path, out), "--normalize=-16LUFS", "--json").report
    assert np.array_equal(load(out), samples)
    assert report["output"]["integrated_lufs"] is None
    if samples.any():
        assert report["loudness_note"].startswith("not brought to -16 LUFS: there is no loudness")


def test_the_loudness_is_that_of_the_result(tmp_path: Path) -> None:
    """Of the rate, part and channels that are written."""
    samples = np.concatenate([sine(2, 0.5), sine(2, 0.02)])
    samples[:, 1] = 0
    path, out = save(tmp_path / "a.wav", samples, subtype="FLOAT"), tmp_path / "b.wav"
    options = ["--pick", "0", "--channels", 2, "--rate", 16_000, "--start", 2, "--normalize", "-20 lufs"]
    run("resample", path, out, *options)
    assert meter_of(load(out), 16_000).integrated_lufs == pytest.approx(-20, abs=0.1)


def test_a_mix_that_clips_is_measured_whole(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.wav", sine(2, 0.9), subtype="PCM_16") for i in range(7)]
    out = tmp_path / "mix.wav"
    report = run("mix", *paths, "-o", out, "--gain", "0=20", "--normalize=-18LUFS", "--json").report
    assert meter_of(load(out), 48_000).integrated_lufs == pytest.approx(-18, abs=0.1)
    assert report["clipped_samples"] == 0
    gains = [track["gain_db"] for track in report["inputs"]]
    assert gains[0] - gains[1] == pytest.approx(20)
    assert len({round(gain, 9) for gain in gains[1:]}) == 1


@pytest.mark.parametrize("peak_db", ["-1", "-6.5dBFS", "0"])
def test_a_mix_with_the_peak_that_was_asked_for(tmp_path: Path, peak_db: str) -> None:
    paths = [save(tmp_path / f"{i}.wav", noise(SEED + i, 20_000, 2, peak=30_000), 44_100) for i in range(3)]
    out = tmp_path / "mix.wav"
    report = run("mix", *paths, "-o", out, "--offset", "1=0.1", "--normalize", peak_db, "--json").report
    expected = 10 ** (float(peak_db.removesuffix("dBFS")) / 20) * 32767
    assert np.abs(load(out).astype(int)).max() == pytest.approx(expected, abs=10)
    assert len(load(out)) == 24_410
    assert "integrated_lufs" not in report["output"]
    assert report["clipped_samples"] <= 1


def test_no_input_gets_more_than_40_db(tmp_path: Path) -> None:
    path, out = save(tmp_path / "a.wav", np.rint(sine(2, 0.001) * 32768).astype(np.int16)), tmp_path / "mix.wav"
    report = run("mix", path, "-o", out, "--gain", "a=10", "--normalize=-16LUFS", "--json").report
    assert report["inputs"][0]["gain_db"] == pytest.approx(40)
    assert report["loudness_note"].endswith("dB below -16 LUFS: an input would get more than +40 dB")
    short = float(report["loudness_note"].split()[0])
    assert meter_of(load(out), 48_000).integrated_lufs == pytest.approx(-16 - short, abs=0.3)


def test_infinity_does_not_keep_the_mixer(tmp_path: Path) -> None:
    samples = sine(1, 0.1, 8000)
    samples[4000] = np.inf
    samples[5000] = np.nan
    path = save(tmp_path / "a.wav", samples, 8000, subtype="FLOAT")
    for command in COMMANDS:
        report = run(*arguments(command, path, tmp_path / f"{command}.wav"), "--normalize=-16LUFS", "--json").report
        assert report["inputs"][0]["clipped_samples"] == 4


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1LUFS", "--normalize: expected -60 to 0 LUFS, got 1"),
        ("-61 LUFS", "--normalize: expected -60 to 0 LUFS, got -61"),
        ("nanLUFS", "--normalize: expected -60 to 0 LUFS, got nan"),
        ("LUFS", "--normalize: expected a peak in dBFS or a loudness in LUFS, as -1 or -16LUFS, got 'LUFS'"),
        ("loud", "--normalize: expected a peak in dBFS or a loudness in LUFS"),
        ("", "--normalize: expected a peak in dBFS or a loudness in LUFS"),
        ("-16LU", "--normalize: expected a peak in dBFS or a loudness in LUFS"),
    ],
)
def test_levels_that_cannot_be(tmp_path: Path, command: str, text: str, message: str) -> None:
    path, out = save(tmp_path / "a.wav", noise(SEED, 1000)), tmp_path / "b.wav"
    assert message in refuse(*arguments(command, path, out), "--normalize", text)
    assert not out.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_rate_without_a_loudness(tmp_path: Path, command: str) -> None:
    path, out = save(tmp_path / "a.wav", noise(SEED, 1000), 4000), tmp_path / "b.wav"
    message = "--normalize: expected 8000 to 384000 Hz and 1 to 128 channels for a loudness, got 4000 Hz and 1"
    assert refuse(*arguments(command, path, out), "--normalize=-16LUFS") == message
    run(*arguments(command, path, out), "--normalize=-16")


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_info_tells_the_loudness(tmp_path: Path, subtype: str) -> None:
    loud = np.concatenate([sine(5, 0.1), sine(5, 0.5)])
    one = save(tmp_path / "one.wav", loud, subtype=subtype)
    two, three = save(tmp_path / "two.wav", noise(SEED, 4000), 4000), save(tmp_path / "three.wav", noise(SEED, 80) * 0)
    first, second, third = run("info", one, two, three, "--json").report["files"]
    meter = meter_of(np.rint(loud * 32768).astype(np.int16), 48_000)
    assert first["integrated_lufs"] == pytest.approx(meter.integrated_lufs, abs=0.01)
    assert first["loudness_range_lu"] == pytest.approx(meter.loudness_range_lu, abs=0.01)
    assert first["true_peak_dbtp"] == pytest.approx(meter.true_peak_dbtp, abs=0.01)
    assert [second[key] for key in ("integrated_lufs", "loudness_range_lu", "true_peak_dbtp")] == [None] * 3
    assert [third[key] for key in ("integrated_lufs", "loudness_range_lu", "true_peak_dbtp")] == [None, 0, None]
    output = run("info", one, two, three).output
    for text in (f"{meter.integrated_lufs:.1f} LUFS", f"{meter.loudness_range_lu:.1f} LU ", "-6.0 dBTP", "-inf LUFS"):
        assert text in output


def test_info_tells_true_peaks_above_full_scale(tmp_path: Path) -> None:
    [file] = run("info", save(tmp_path / "a.wav", sine(1, 2.0), subtype="FLOAT"), "--json").report["files"]
    assert file["true_peak_dbtp"] == pytest.approx(6.02, abs=0.1)
