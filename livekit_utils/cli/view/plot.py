"""Draws waveforms and spectrograms of a job as a PNG."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.errors import CliError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

    from livekit_utils.cli.view.summary import Summary

MAX_TRACKS = 32
FLOOR_DB = -110.0

_BLUE = "#31688e"
_DPI = 100
_WIDTH_IN = 12.8
_TRACK_IN = 2.6
_TOP_IN = 0.25
_BOTTOM_IN = 0.4


def require_matplotlib() -> None:
    """Checks that matplotlib is installed, before the work begins.

    Raises:
        CliError: It is not.
    """
    if find_spec("matplotlib") is None:
        raise CliError(
            '--plot needs matplotlib, which is not installed: pip install ".[cli]" in the source of livekit_utils'
        )


def check_plot(path: Path, num_tracks: int) -> None:
    """Checks whether a plot of so many tracks can be made, before the work begins.

    Raises:
        CliError: It cannot.
    """
    require_matplotlib()
    if path.suffix.lower() != ".png":
        raise CliError(f"{path}: expected a name that ends in .png for the plot, got {path.suffix or 'none'}")
    if num_tracks > MAX_TRACKS:
        raise CliError(f"--plot: expected at most {MAX_TRACKS} files to draw, got {num_tracks}")


def draw_plot(tracks: Sequence[Summary], path: Path) -> None:
    """Draws each track with a picture: its envelope above its spectrogram, all on one time axis."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    seconds = max(max(track.duration for track in tracks), 1e-3)
    height = _TOP_IN + _BOTTOM_IN + _TRACK_IN * len(tracks)
    figure = Figure(figsize=(_WIDTH_IN, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    image = None
    for row, track in enumerate(tracks):
        top = height - _TOP_IN - _TRACK_IN * row
        wave = _add_axes(figure, height, top - 0.95, 0.65)
        spectrum = _add_axes(figure, height, top - 2.4, 1.4)
        _draw_envelope(wave, track, seconds)
        image = _draw_spectrogram(spectrum, track, seconds)
        for axes in (wave, spectrum):
            axes.set_xlim(0, seconds)
            axes.tick_params(labelsize=8, labelbottom=axes is spectrum and row == len(tracks) - 1)
        if row == len(tracks) - 1:
            spectrum.set_xlabel("seconds", fontsize=9)
    cax = figure.add_axes((0.93, (_BOTTOM_IN + 0.2) / height, 0.012, 1 - (_TOP_IN + _BOTTOM_IN + 0.5) / height))
    assert image is not None  # there is a track
    colorbar = figure.colorbar(image, cax=cax, extend="min")
    colorbar.set_label("dB, where 0 is a full-scale sine wave", fontsize=9)
    colorbar.set_ticks([float(level) for level in range(0, int(FLOOR_DB) - 1, -10)])
    colorbar.ax.tick_params(labelsize=8)
    with warnings.catch_warnings():
        # The name of a file may have characters that the font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(path, format="png")


def _add_axes(figure: Figure, height: float, bottom: float, tall: float) -> Axes:
    return figure.add_axes((0.065, bottom / height, 0.85, tall / height))


def _title(track: Summary) -> str:
    channels = {1: "mono", 2: "stereo"}.get(track.num_channels, f"{track.num_channels} channels")
    title = f"{printable(track.name)}  ·  {track.sample_rate} Hz {channels}, {track.duration:.2f} s"
    return f"{title}, gain {track.gain_db:+.1f} dB" if track.gain_db else title


def _draw_envelope(axes: Axes, track: Summary, seconds: float) -> None:
    picture = track.picture
    if picture is None:
        raise ValueError(f"expected a picture of {track.name}")
    edges = np.linspace(0, seconds, len(picture.lows) + 1)
    lows, highs = _filled(picture.lows, track, seconds), _filled(picture.highs, track, seconds)
    axes.axhline(0, color="0.8", linewidth=0.5, zorder=0)
    lows, highs = np.append(lows, lows[-1]), np.append(highs, highs[-1])
    axes.fill_between(edges, lows, highs, step="post", linewidth=0.4, facecolor=_BLUE, edgecolor=_BLUE)
    axes.set_ylim(-1.05, 1.05)
    axes.set_yticks([-0.5, 0, 0.5])
    # The name of a file is no formula, even if it has dollar signs.
    axes.set_title(_title(track), loc="left", fontsize=9, pad=3, parse_math=False)


def _filled(values: npt.NDArray[np.float32], track: Summary, seconds: float) -> npt.NDArray[np.float32]:
    """Fills the columns between the samples of a stream that has fewer samples than columns: each repeats the value
    before it."""
    columns = np.arange(len(values))
    last = np.maximum.accumulate(np.where(np.isnan(values), 0, columns))
    inside = columns < np.ceil(track.duration / seconds * len(values))
    filled: npt.NDArray[np.float32] = np.where(inside, values[last], np.float32(np.nan))
    return filled


def _draw_spectrogram(axes: Axes, track: Summary, seconds: float) -> AxesImage:
    if track.picture is None:
        raise ValueError(f"expected a picture of {track.name}")
    levels = track.picture.spectrogram()
    axes.set_ylabel("kHz", fontsize=9)
    axes.set_facecolor("0.93")
    return axes.imshow(
        np.maximum(levels, FLOOR_DB),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=FLOOR_DB,
        vmax=0,
        extent=(0, seconds, 0, track.sample_rate / 2000),
        interpolation="nearest",
    )
