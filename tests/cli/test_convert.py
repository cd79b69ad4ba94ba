"""The command `convert`: rate, channels, part and peak, to the sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")

from livekit_utils import resample_audio
from tests.support.cli_commands import Samples, load, noise, refuse, run, save
from tests.support.randomness import SEED


def convert(path: Path, *options: object, command: str = "convert", suffix: str = "wav") -> Samples:
    out = path.with_name(f"out.{suffix}")
    run(command, path, out, "--force", *options)
    return load(out)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_nothing_that_is_not_named_changes(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 9001, 2), 44_100)
    assert np.array_equal(convert(path, suffix=suffix), load(path))


@pytest.mark.parametrize(
    ("start", "end"), [(0, 0.1), (0.05, None), (0.05, 0.1), (0.1234567, 0.15), (0, 9001 / 44100), (9000 / 44100, None)]
)
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_part_is_exact(tmp_path: Path, suffix: str, start: float, end: float | None) -> None:
    path = save(tmp_path / f"a.{suffix}", noise(SEED, 9001, 2, peak=8000), 44_100)
    whole = convert(path)
    options = ["--start", start, *(["--end", end] if end is not None else [])]
    stop = 9001 if end is None else round(end * 44_100)
    assert np.array_equal(convert(path, *options), whole[round(start * 44_100) : stop])


@pytest.mark.parametrize("command", ["convert", "resample"])
def test_all_at_once(tmp_path: Path, command: str) -> None:
    samples = noise(SEED, 20_000, 3, peak=20_000)
    path = save(tmp_path / "a.wav", samples, 44_100)
    options = ["--rate", 16_000, "--pick", "2,0", "--start", 0.1, "--end", 0.4]
    got = convert(path, *options, command=command)
    part = np.ascontiguousarray(samples[4410:17640][:, [2, 0]])
    expected = np.asarray(resample_audio(part, 44_100, 16_000, num_channels=2, quality="very_high")).reshape(-1, 2)
    assert len(got) == round(13230 * 16_000 / 44_100)
    assert np.abs(got.astype(int) - expected).max() <= 1


def test_channels(tmp_path: Path) -> None:
    samples = noise(SEED, 5000, 3)
    path = save(tmp_path / "a.wav", samples)
    assert np.abs(convert(path, "--channels", 1)[:, 0] - samples.mean(axis=1)).max() <= 0.5
    assert np.array_equal(convert(path, "--pick", "1", "--channels", 2), samples[:, [1, 1]])
    assert np.array_equal(convert(path, "--pick", "2,2,0"), samples[:, [2, 2, 0]])


@pytest.mark.parametrize("peak_db", [0, -1, -6.5, -40])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("options", [[], ["--rate", 16_000], ["--channels", 1, "--rate", 22_050]])
def test_the_peak_that_was_asked_for(tmp_path: Path, subtype: str, options: list[Any], peak_db: float) -> None:
    samples = noise(SEED, 20_000, 2, peak=200) / 32768 * (30_000 if subtype == "FLOAT" else 1)
    path = save(tmp_path / "a.wav", samples, 44_100, subtype=subtype)
    out = tmp_path / "b.wav"
    report = run("convert", path, out, "--normalize", peak_db, "--json", *options).report
    got = np.abs(load(out).astype(int)).max()
    assert got == pytest.approx(min(10 ** (peak_db / 20) * 32767, 32764), abs=3)
    assert report["clipped_samples"] == 0
    assert report["inputs"][0]["clipped_samples"] == 0


def test_the_peak_of_silence_stays(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.zeros((1000, 1), np.int16))
    assert not convert(path, "--normalize", -1).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--start", 1], "--start: expected 0 to less than 0.5, the length of"),
        (["--start", "nan"], "--start: expected 0 to 1000000000 s, got nan"),
        (["--start", -0.1], "--start: expected 0 to 1000000000 s, got -0.1"),
        (["--end", 0.6], "--end: expected above 0 to 0.5"),
        (["--start", 0.3, "--end", 0.3], "--end: expected above 0.3 to 0.5"),
        (["--end", "nan"], "--end: expected 0 to 1000000000 s, got nan"),
        (["--pick", "2"], "--pick: expected channels from 0 to 1, got 2"),
        (["--pick", "a"], "--pick: expected numbers of channels from 0, as 0,2, got 'a'"),
        (["--pick", ",".join(["0"] * 129)], "--pick: expected at most 128 channels, got 129"),
        (["--pick", "-1"], "--pick: expected numbers of channels from 0"),
        (["--pick", ""], "--pick: expected numbers of channels from 0"),
        (["--channels", 3], "expected 1 or 2 channels, got --channels 3"),
        (["--normalize", 1], "--normalize: expected -60 to 0 dBFS, got 1"),
        (["--normalize", "nan"], "--normalize: expected -60 to 0 dBFS, got nan"),
        (["--rate", 1], "--rate: expected a rate within a factor of 256 of the 48000 Hz of "),
    ],
)
def test_what_cannot_be(tmp_path: Path, options: list[Any], message: str) -> None:
    path = save(tmp_path / "a.wav", noise(SEED, 24_000, 2))
    assert message in refuse("convert", path, tmp_path / "b.wav", *options)
    assert not (tmp_path / "b.wav").exists()
