"""What the axes of a plot say, and what its marks mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from livekit_utils.cli.view.plot import mel, speech_rows, time_label, time_ticks
from tests.support.cli_commands import run, save


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (7.2, ["0 s", "1 s", "2 s"]),
        (89, ["0 s", "10 s", "20 s"]),
        (600, ["0:00 min", "1:00 min", "2:00 min"]),
        (7200, ["0:00 h", "0:15 h", "0:30 h"]),
        (1e7, None),
        (1e-3, ["0 s"]),
    ],
)
def test_times_have_units(seconds: float, labels: list[str] | None) -> None:
    ticks = time_ticks(seconds)
    assert len(ticks) <= 11
    assert ticks[-1] <= seconds
    if labels:
        assert [time_label(tick, seconds) for tick in ticks[:3]] == labels


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("hertz", [300, 1000, 3000])
def test_a_tone_lies_where_the_axis_says(sample_rate: int, hertz: int) -> None:
    levels = np.full((sample_rate // 80 + 1, 3), -90, np.float32)
    levels[round(hertz / (sample_rate / 2) * (len(levels) - 1))] = 0
    rows = speech_rows(levels, sample_rate)
    expected = mel(hertz) / mel(sample_rate / 2) * len(rows)
    assert abs(np.flatnonzero(rows[:, 0] == 0).mean() - expected) < 3


def test_speech_has_half_of_the_picture() -> None:
    assert mel(4000) / mel(24_000) > 0.5


def test_clipping_is_marked(tmp_path: Path) -> None:
    from matplotlib.image import imread

    vermilion = np.array([0xD5, 0x5E, 0x00]) / 255
    for peak, marked in ((32767, True), (20_000, False)):
        samples = np.zeros((16_000, 1), np.int16)
        samples[8000:8010] = peak
        path = save(tmp_path / "one.wav", samples, 16_000)
        run("mix", path, "-o", tmp_path / "m.wav", "--plot", tmp_path / "m.png", "--force")
        pixels = imread(tmp_path / "m.png")[:, :, :3]
        assert bool((np.abs(pixels - vermilion).max(axis=2) < 0.02).any()) is marked
