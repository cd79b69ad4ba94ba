"""Draws waveforms and spectrograms of a job as a PNG."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from livekit_utils._runtime.install import install_line
from livekit_utils.cli.errors import CliError, printable
from livekit_utils.cli.view.report import format_length

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


@dataclass(frozen=True)
class _Look:
    """The colours of a plot. Blue and vermilion are Okabe and Ito's, which red-green blind readers can tell."""

    background: str
    text: str
    faint: str
    """Of the line of no amplitude, and where a track has no sound."""
    wave: str
    clipped: str


_LIGHT = _Look("#ffffff", "#000000", "#e6e6e6", "#0072b2", "#d55e00")
_DARK = _Look("#121212", "#f0f0f0", "#3a3a3a", "#56b4e9", "#e69f00")

# Rows of a spectrogram, and the frequencies in Hz that are named beside it.
_ROWS = 256
_NAMED_HZ = (250, 500, 1000, 2000, 4000, 8000, 16_000, 32_000)
# What the name of a frequency takes of a spectrogram's height, with a little room.
_NAME_HEIGHT = 0.09
_MAX_MARKS = 200
_DPI = 100
_WIDTH_IN = 12.8
_TRACK_IN = 2.8
_TOP_IN = 0.25
_BOTTOM_IN = 0.4


def require_matplotlib() -> None:
    """Checks that matplotlib is installed, before the work begins.

    Raises:
        CliError: It is not.
    """
    if find_spec("matplotlib") is None:
        raise CliError(f"--plot needs matplotlib, which is not installed: {install_line('cli')}")


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


def draw_plot(tracks: Sequence[Summary], path: Path, *, dark: bool = False) -> None:
    """Draws each track with a picture: its envelope above its spectrogram, all on one time axis.

    Args:
        tracks: What to draw.
        path: The PNG.
        dark: Whether to draw on a dark background.
    """
    import matplotlib as mpl

    look = _DARK if dark else _LIGHT
    settings: dict[Any, Any] = {"figure.facecolor": look.background, "axes.facecolor": look.background}
    for name in ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"):
        settings[name] = look.text
    with mpl.rc_context(settings):
        _draw(tracks, path, look)


def _draw(tracks: Sequence[Summary], path: Path, look: _Look) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter

    seconds = max(max(track.duration for track in tracks), 1e-3)
    height = _TOP_IN + _BOTTOM_IN + _TRACK_IN * len(tracks)
    figure = Figure(figsize=(_WIDTH_IN, height), dpi=_DPI)
    FigureCanvasAgg(figure)
    image = None
    for row, track in enumerate(tracks):
        top = height - _TOP_IN - _TRACK_IN * row
        wave = _add_axes(figure, height, top - 0.95, 0.65)
        spectrum = _add_axes(figure, height, top - 2.4, 1.4)
        _draw_envelope(wave, track, seconds, look)
        image = _draw_spectrogram(spectrum, track, seconds, look)
        for axes in (wave, spectrum):
            axes.set_xlim(0, seconds)
            axes.tick_params(labelsize=8, labelbottom=axes is spectrum)
            axes.xaxis.set_major_locator(FixedLocator(time_ticks(seconds)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda second, _: time_label(second, seconds)))
        if row == len(tracks) - 1:
            spectrum.set_xlabel(time_axis(seconds), fontsize=9)
    cax = figure.add_axes((0.93, (_BOTTOM_IN + 0.2) / height, 0.012, 1 - (_TOP_IN + _BOTTOM_IN + 0.5) / height))
    assert image is not None  # there is a track
    colorbar = figure.colorbar(image, cax=cax, extend="min")
    colorbar.set_label("level in dB; 0 is a full-scale sine wave", fontsize=9)
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
    title = f"{printable(track.name)}  ·  {track.sample_rate} Hz {channels}, {format_length(track.duration)}"
    title = f"{title}, gain {track.gain_db:+.1f} dB" if track.gain_db else title
    return f"{title}, {track.num_clipped} samples clipped" if track.num_clipped else title


def time_ticks(seconds: float) -> list[float]:
    """Round times for an axis of this length, ten of them at most."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)
    step = next((step for step in steps if seconds / step <= 10), 36_000 * (seconds // 360_000 + 1))
    return [number * step for number in range(int(seconds / step + 1e-9) + 1)]


def time_axis(seconds: float) -> str:
    """What an axis of this length shows, with the unit of its labels where they have none."""
    return "time" if seconds < 90 else "time in minutes:seconds" if seconds < 5400 else "time in hours:minutes"


def time_label(second: float, seconds: float) -> str:
    """A time on an axis of this length: seconds, then minutes and seconds, then hours and minutes."""
    if seconds < 90:
        return f"{second:g} s"
    minutes, rest = divmod(round(second), 60)
    return f"{minutes}:{rest:02}" if seconds < 5400 else f"{minutes // 60}:{minutes % 60:02}"


def mel(hertz: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """A frequency on the mel scale, which is about linear up to 1 kHz and logarithmic above, as hearing is."""
    found: npt.NDArray[np.float64] = 2595 * np.log10(1 + np.asarray(hertz, float) / 700)
    return found


def speech_rows(levels: npt.NDArray[np.float32], sample_rate: int) -> npt.NDArray[np.float32]:
    """A spectrogram whose rows are equally far apart on the mel scale: half of its height is below 2 kHz or so.

    Args:
        levels: dB, a row for each frequency from 0 Hz to half the rate.
        sample_rate: Hz.
    """
    edges = 700 * (10 ** (np.linspace(0, mel(sample_rate / 2), _ROWS + 1) / 2595) - 1)
    bins = edges / (sample_rate / 2) * (len(levels) - 1)
    rows = np.empty((_ROWS, levels.shape[1]), np.float32)
    for row in range(_ROWS):
        # The loudest of the frequencies in a row, or the one that is nearest to it.
        first, last = int(np.ceil(bins[row])), int(bins[row + 1])
        nearest = round((bins[row] + bins[row + 1]) / 2)
        rows[row] = levels[first : last + 1].max(axis=0) if first <= last else levels[nearest]
    return rows


def _draw_envelope(axes: Axes, track: Summary, seconds: float, look: _Look) -> None:
    picture = track.picture
    if picture is None:
        raise ValueError(f"expected a picture of {track.name}")
    edges = np.linspace(0, seconds, len(picture.lows) + 1)
    lows, highs = _filled(picture.lows, track, seconds), _filled(picture.highs, track, seconds)
    axes.axhline(0, color=look.faint, linewidth=0.5, zorder=0)
    lows, highs = np.append(lows, lows[-1]), np.append(highs, highs[-1])
    axes.fill_between(edges, lows, highs, step="post", linewidth=0.4, facecolor=look.wave, edgecolor=look.wave)
    axes.set_ylim(-1.15, 1.15)
    axes.set_yticks([-1, 0, 1])
    axes.set_ylabel("amplitude", fontsize=8)
    # A column that reaches full scale, which is -1 or the largest of int16.
    for reached, at, mark in ((highs >= 32767 / 32768, 1.08, "v"), (lows <= -1, -1.08, "^")):
        times = edges[reached]
        times = times[:: max(1, -(-len(times) // _MAX_MARKS))]
        axes.plot(times, np.full(len(times), at), mark, color=look.clipped, markersize=3, clip_on=False)
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


def _draw_spectrogram(axes: Axes, track: Summary, seconds: float, look: _Look) -> AxesImage:
    if track.picture is None:
        raise ValueError(f"expected a picture of {track.name}")
    levels = speech_rows(track.picture.spectrogram(), track.sample_rate)
    named = [hertz for hertz in _NAMED_HZ if hertz <= track.sample_rate / 2]
    labels: list[str] = []
    below = -1.0
    for hertz in named:
        # Where there is no room for a name, its mark stays.
        height = float(mel(hertz) / mel(track.sample_rate / 2))
        room = height - below >= _NAME_HEIGHT
        labels.append("" if not room else f"{hertz} Hz" if hertz < 1000 else f"{hertz // 1000} kHz")
        below = height if room else below
    for name in axes.set_yticks(mel(named), labels):
        # The name at the upper edge would run into the amplitudes above it.
        name.label1.set_verticalalignment("top" if name.get_loc() > 0.95 * mel(track.sample_rate / 2) else "center")
    axes.set_ylabel("frequency", fontsize=8)
    axes.set_facecolor(look.faint)
    return axes.imshow(
        np.maximum(levels, FLOOR_DB),
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=FLOOR_DB,
        vmax=0,
        extent=(0, seconds, 0, float(mel(track.sample_rate / 2))),
        interpolation="nearest",
    )
