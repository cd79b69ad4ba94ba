"""What the axes of a plot say, and what its marks mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib")
from livekit_utils.cli.view.plot import (
    _DARK,
    _LIGHT,
    _Look,
    draw_plot,
    mel,
    speech_rows,
    time_axis,
    time_label,
    time_ticks,
)
from livekit_utils.cli.view.summary import Summary
from livekit_utils.cli.view.track_picture import TrackPicture
from tests.support.cli_commands import run, save
from tests.support.colours import SIGHTS, contrast, difference


@pytest.mark.parametrize(
    ("seconds", "labels"),
    [
        (7.2, ["0 s", "1 s", "2 s"]),
        (89, ["0 s", "10 s", "20 s"]),
        (600, ["0:00", "1:00", "2:00"]),
        (7200, ["0:00", "0:15", "0:30"]),
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


def test_an_axis_says_what_its_times_are() -> None:
    axes = [time_axis(seconds) for seconds in (60, 600, 7200)]
    assert axes == ["time", "time in minutes:seconds", "time in hours:minutes"]


@pytest.mark.parametrize(("sample_rate", "seconds"), [(8000, 1), (16_000, 1200), (48_000, 10), (192_000, 7200)])
def test_no_word_of_a_plot_covers_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_rate: int, seconds: int
) -> None:
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    drawn: list[Figure] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    track = Summary("one.wav", sample_rate, 2, seconds * sample_rate)
    track.picture = TrackPicture(sample_rate, track.samples_per_channel, seconds)
    draw_plot([track, track], tmp_path / "m.png")
    (figure,) = drawn
    figure.canvas.draw()
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = {text: text.get_window_extent() for text in texts}
    for one, box in boxes.items():
        others = [text.get_text() for text, other in boxes.items() if text is not one and box.overlaps(other)]
        assert others == [], one.get_text()
        assert 0 <= box.x0 <= box.x1 <= figure.bbox.x1, one.get_text()
        assert not box.overlaps(figure.axes[-1].get_window_extent()), one.get_text()


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


def test_a_dark_picture(tmp_path: Path) -> None:
    from matplotlib.image import imread

    path = save(tmp_path / "one.wav", np.full((1600, 1), 32767, np.int16), 16_000)
    calls = {
        "mix": ["mix", path, tmp_path / "m.wav"],
        "convert": ["convert", path, tmp_path / "m.wav"],
        "tone": ["tone", 440, 0.1, tmp_path / "m.wav"],
        "info": ["info", path],
    }
    for name, call in calls.items():
        for options, corner in (([], [1, 1, 1]), (["--dark"], np.array([0x12, 0x12, 0x12]) / 255)):
            run(*call, "--plot", tmp_path / "m.png", "--force", *options)
            assert np.allclose(imread(tmp_path / "m.png")[0, 0, :3], corner), name


@pytest.mark.parametrize("look", [_LIGHT, _DARK], ids=["light", "dark"])
def test_everybody_can_tell_the_colours(look: _Look) -> None:
    assert contrast(look.text, look.background) > 12
    for mark in (look.wave, look.clipped):
        assert contrast(mark, look.background) > 3
    for sight in SIGHTS:
        assert difference(look.wave, look.clipped, sight) > 30
