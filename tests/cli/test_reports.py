"""What the command line says, where, and when; and what it draws."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")
pytest.importorskip("soundfile")
pytest.importorskip("matplotlib")

import livekit_utils
from livekit_utils.cli.view.report import format_length
from livekit_utils.cli.view.track_picture import COLUMNS, TrackPicture
from livekit_utils.files.level_meter import LevelMeter
from tests.support.cli_commands import Samples, invoke, noise, run, save
from tests.support.randomness import SEED, Rand


def test_the_version() -> None:
    assert invoke("--version").output == f"livekit-utils {livekit_utils.__version__}\n"


def test_the_table(tmp_path: Path) -> None:
    save(tmp_path / "[red]half.wav", np.full((4_800, 2), 16384, np.int16))
    output = run("mix", tmp_path / "[red]half.wav", "-o", tmp_path / "m.wav", "--gain=[red]half=3").output
    header, source, result, clipped, factor = output.splitlines()
    assert header.split() == ["name", "rate", "channels", "length", "gain", "peak", "RMS"]
    expected = "in [red]half.wav 48000 Hz 2 0.100 s +3.0 dB -6.0 dBFS -6.0 dBFS"
    assert source.split() == expected.split()
    assert (result.split()[:2], result.split()[-4:]) == (["out", "m.wav"], ["-3.0", "dBFS", "-3.0", "dBFS"])
    assert clipped == "clipped samples: 0"
    assert factor.startswith("real-time factor: ")


@pytest.mark.parametrize("columns", [30, 40, 60, 80, 200])
@pytest.mark.parametrize(
    "name", ["a.wav", "a rather long name of a recording of yesterday's call.wav", "電話の録音.wav"]
)
def test_tables_fit_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: int, name: str) -> None:
    path = save(tmp_path / name, noise(SEED, 24_000, 2))
    monkeypatch.setenv("COLUMNS", str(columns))
    for output in (run("info", path).output, run("mix", path, "-o", tmp_path / "m.flac", "--force").output):
        assert name in output  # is never cut
        table = output.partition("clipped")[0]
        for line in table.splitlines():
            assert len(line) <= columns or line.removeprefix("in ") == name, line
        figures = " ".join(table.split())
        for figure in ("48000 Hz", "0.500 s", "dBFS"):
            assert figure in figures
    output = run("info", path).output
    assert re.search(r"-?\d+\.\d LUFS", " ".join(output.split()))


def test_no_level_is_minus_zero(tmp_path: Path) -> None:
    path = save(tmp_path / "a.wav", np.array([32_766, -32_766] * 4800, np.int16))
    output = run("info", path).output
    assert "0.0 dBFS" in output
    assert "-0.0" not in output


def test_clipping_comes_with_advice(tmp_path: Path) -> None:
    path = save(tmp_path / "loud.wav", np.full((100, 1), 30_000, np.int16))
    options = ["-o", tmp_path / "m.wav", "--gain", "loud=1"]
    assert "clipped samples: 100; lower the inputs with --gain" in run("mix", path, *options).output
    advice = run("tone", 1000, 0.01, tmp_path / "t.wav", "--amplitude", 1).output
    assert "lower --amplitude" in advice
    assert "clipped samples: 0" not in advice


def test_info(tmp_path: Path) -> None:
    samples = noise(SEED, 10_000, 2)
    samples[77, 1] = -32768
    one = save(tmp_path / "one.flac", samples, 44_100)
    two = save(tmp_path / "two.wav", np.zeros((8_000, 1), np.int16), 8_000, "ULAW")
    first, second = run("info", one, two, "--json").report["files"]
    rms = np.sqrt(np.mean((samples / 32768) ** 2))
    assert first.pop("rms_dbfs") == pytest.approx(20 * np.log10(rms), abs=1e-9)
    assert (first.pop("integrated_lufs"), first.pop("loudness_range_lu")) == (None, 0)  # it is shorter than 400 ms
    assert 0 < first.pop("true_peak_dbtp") < 10
    assert first == {
        "name": "one.flac", "path": str(one),
        "format": "FLAC", "subtype": "PCM_16", "sample_rate": 44_100, "channels": 2,
        "frames": 10_000, "duration": 10_000 / 44_100, "peak_dbfs": 0.0,
    }  # fmt: skip
    assert (second["subtype"], second["duration"], second["rms_dbfs"]) == ("ULAW", 1.0, None)
    output = run("info", one, two).output
    assert "FLAC PCM_16" in output
    assert "-inf dBFS" in output


def test_levels_are_exact(rand: Rand) -> None:
    meter = LevelMeter()
    samples = np.frombuffer(rand.pcm(20_000), np.int16)
    for start in range(0, 20_000, 3_000):
        part = samples[start : start + 3_000]
        meter.add(part.reshape(-1, 1))
    wide = samples.astype(np.int64)
    assert meter.peak == np.abs(wide).max()
    assert meter.num_clipped == np.count_nonzero((wide == 32767) | (wide == -32768))
    assert meter.rms_dbfs == pytest.approx(10 * np.log10(np.mean((wide / 32768) ** 2)), abs=1e-9)


def test_lengths() -> None:
    assert [format_length(seconds) for seconds in (0, 59.9994, 59.9996, 3599.9996, 36_061.5)] == [
        "0.000 s", "59.999 s", "1:00.000", "1:00:00.000", "10:01:01.500"
    ]  # fmt: skip


BAR = """
import livekit_utils.cli.view.progress_bar as progress_bar
from livekit_utils.__main__ import main
progress_bar._PATIENCE_S = {patience}
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("patience", "shows"), [(0, True), (60, False)])
def test_the_bar_is_for_terminals_and_patience(tmp_path: Path, patience: int, shows: bool) -> None:
    import pty
    import subprocess
    import sys

    import livekit_utils

    command = [
        sys.executable,
        "-c",
        BAR.format(patience=patience),
        "tone",
        "440",
        "60",
        str(tmp_path / "t.wav"),
        "--json",
    ]
    path = os.pathsep.join([str(Path(livekit_utils.__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "TERM": "xterm", "PYTHONPATH": path}
    try:
        ours, theirs = pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal can be had: {error}")
    try:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        seen = b""
        try:
            while part := os.read(ours, 4096):
                seen += part
        except OSError:
            pass  # Linux's way to say that the other end is closed
        output, _ = process.communicate(timeout=60)
    finally:
        os.close(ours)
    assert process.returncode == 0, seen
    assert json.loads(output)["output"]["frames"] == 2_880_000
    assert (b"t.wav" in seen) == shows, seen


def test_no_bar_without_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("livekit_utils.cli.view.progress_bar._PATIENCE_S", 0)
    monkeypatch.setenv("FORCE_COLOR", "1")
    run("tone", 440, 1, tmp_path / "t.wav", "--json")


@pytest.mark.parametrize(
    ("module", "arguments"), [("click", ["--version"]), ("rich", ["meter"]), ("soundfile", ["info", __file__])]
)
def test_a_missing_package_is_named(run_python: Callable[..., Any], module: str, arguments: list[str]) -> None:
    code = f"import sys; sys.modules[{module!r}] = None; from livekit_utils.__main__ import main; main()"
    result = run_python("-c", code, *arguments)
    assert (result.returncode, result.stdout) == (1, "")
    assert (
        result.stderr == f'error: {module} is not installed: pip install ".[cli]" in the source folder of the package\n'
    )


def test_the_plot(tmp_path: Path) -> None:
    from matplotlib.image import imread

    voice = save(tmp_path / "$voice$ 声.wav", noise(SEED, 8_000, 1, 3_000), 16_000)
    music = save(tmp_path / "music.wav", noise(SEED, 30_000, 2, 20_000), 44_100)
    run("mix", voice, music, "-o", tmp_path / "m.wav", "--plot", tmp_path / "m.png")
    picture = imread(tmp_path / "m.png")
    assert picture.shape[1] == 1280
    assert 700 < picture.shape[0] < 1000
    # The voice ends at 0.5 of 0.68 s: there, its spectrogram is dark on the left and light grey on the right.
    row = picture[picture.shape[0] // 5, :, :3]
    assert row[100:800].mean() < 0.75
    assert np.ptp(row[1000:1100]) == 0
    assert len(np.unique(picture.reshape(-1, picture.shape[2]), axis=0)) > 100


def picture_of(samples: Samples, sample_rate: int, axis_seconds: float, block: int) -> TrackPicture:
    picture = TrackPicture(sample_rate, len(samples), axis_seconds)
    for start in range(0, len(samples), block):
        part = samples[start : start + block]
        picture.add(part)
    picture.finish()
    return picture


@pytest.mark.parametrize("num_frames", [1, 500, 1_200, 100_000])
def test_a_picture_does_not_depend_on_the_blocks(num_frames: int) -> None:
    samples = noise(SEED, num_frames, 2)
    whole = picture_of(samples, 8_000, num_frames / 4_000, num_frames)
    cut = picture_of(samples, 8_000, num_frames / 4_000, 333)
    assert np.array_equal(whole.lows, cut.lows, equal_nan=True)
    assert np.array_equal(whole.highs, cut.highs, equal_nan=True)
    np.testing.assert_allclose(whole.spectrogram(), cut.spectrogram(), rtol=1e-3, atol=1e-3)


def test_the_envelope_is_that_of_each_column() -> None:
    samples = noise(SEED, COLUMNS * 50, 2)
    picture = picture_of(samples, 48_000, 2 * len(samples) / 48_000, 4_800)
    columns = samples.reshape(COLUMNS // 2, 200) / np.float32(32768)
    assert np.array_equal(picture.highs[: COLUMNS // 2], columns.max(axis=1))
    assert np.array_equal(picture.lows[: COLUMNS // 2], columns.min(axis=1))
    assert np.isnan(picture.highs[COLUMNS // 2 :]).all()


@pytest.mark.parametrize(("sample_rate", "seconds"), [(16_000, 0.5), (48_000, 2), (48_000, 60)])
def test_the_spectrogram_of_a_tone(sample_rate: int, seconds: float) -> None:
    time = np.arange(int(sample_rate * seconds)) / sample_rate
    tone = np.round(32767 / 10 * np.sin(2 * np.pi * sample_rate / 8 * time)).astype(np.int16)[:, None]
    levels = picture_of(tone, sample_rate, seconds, sample_rate // 10).spectrogram()
    inner = levels[:, COLUMNS // 10 : -COLUMNS // 10]
    middle = (len(levels) - 1) // 4
    assert (np.argmax(inner, axis=0) == middle).all()
    np.testing.assert_allclose(inner[middle], -20, atol=0.05)
    assert inner[middle * 2 :].max() < -105
