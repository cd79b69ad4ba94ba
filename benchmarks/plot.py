"""The picture of the main results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from benchmarks.row import Row
from benchmarks.target import TargetKind

# By row and contender: what a bar says.
_BARS = {
    ("audio_frame/from_bytes", "sdk"): "AudioFrame / SDK",
    ("combine_audio_frames/100", "sdk"): "combine_audio_frames, 100 frames / SDK",
    ("combine_audio_frames/100", "join"): "combine_audio_frames, 100 frames / bytes.join",
    ("mix/8x4800", "numpy"): "queues of 8 streams, mixed / the sum in numpy",
    ("audio_mixer/16x480", "sdk"): "AudioMixer, 16 streams, 10 ms blocks / SDK",
    ("audio_mixer/128x4800", "sdk"): "AudioMixer, 128 streams, 100 ms blocks / SDK",
    ("audio_mixer_live/spread/cpu", "sdk"): "AudioMixer, 64 live streams / SDK",
    ("audio_mixer_live/spread/cpu", "bare"): "AudioMixer, 64 live streams / only reading them",
    ("audio_resampler/48000-16000/medium", "samplerate"): "AudioResampler, 48 to 16 kHz / libsamplerate alone",
    ("audio_resampler/48000-16000/medium", "sdk"): "AudioResampler, 48 to 16 kHz / SDK",
    ("audio_resampler_polyphase/48000-16000/medium", "sdk"): "the same, polyphase engine / SDK",
    ("audio_resampler_polyphase/48000-16000/medium", "soxr"): "the same, polyphase engine / soxr",
    ("ring_buffer/480", "bytearray"): "RingBuffer / bytearray",
    ("sine_wave/48000", "sdk"): "sine_wave_generator / SDK",
    ("import/names", "sdk"): "start of a program with its imports / SDK",
    ("installed_size/distribution", "sdk"): "installed size / SDK",
    ("installed_size/in_place", "sdk"): "size of the files / SDK",
}
_MET, _MISSED, _OPEN, _MARK, _TEXT = "#0072b2", "#d55e00", "#8a9ba3", "#222222", "#333333"
_TICKS = {1 / 100: "1/100", 1 / 30: "1/30", 1 / 10: "1/10", 1 / 3: "1/3", 1: "equal", 3: "3", 10: "10", 30: "30"}


def save_plot(rows: Sequence[Row], path: Path) -> None:
    """A bar for every main row that was measured: ours divided by what it is compared with, and the target."""
    found = {(row.name, row.contender): row for row in rows}
    bars = [(label, found[key]) for key, label in _BARS.items() if key in found]
    figure = Figure(figsize=(8.8, 1.4 + 0.32 * max(len(bars), 1)), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xscale("log")
    for place, (_, row) in enumerate(bars):
        _draw_bar(axes, place, row)
    shown = [value for _, row in bars for value in (row.ratio, _limit(row) or 1)]
    low, high = min([0.3, *shown]), max([1.5, *shown])
    # Room for the numbers beside the bars.
    axes.set_xlim(low / 3, high * 3)
    ticks = [tick for tick in _TICKS if low / 3 <= tick <= high * 3]
    axes.set_xticks(ticks, [_TICKS[tick] for tick in ticks], fontsize=9)
    axes.minorticks_off()
    axes.axvline(1, color="#777777", linewidth=1)
    axes.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=9)
    axes.invert_yaxis()
    axes.tick_params(axis="both", length=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_title("Time (or bytes) of livekit_utils, divided by the other's", loc="left", fontsize=11, color=_TEXT)
    handles = [
        Patch(color=_MET, label="target met"),
        Patch(color=_MISSED, label="target missed"),
        Patch(color=_OPEN, label="no target"),
        Line2D([], [], color=_MARK, linewidth=2, label="target: the most that a ratio may be"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    figure.savefig(path)


def _limit(row: Row) -> float | None:
    if row.target is None or row.target.kind is not TargetKind.RATIO:
        return None
    return row.target.limit


def _draw_bar(axes: Axes, place: int, row: Row) -> None:
    """From 1, where both are equal; on a logarithmic axis there is no other place to start from."""
    limit, ratio = _limit(row), row.ratio
    colour = _OPEN if limit is None else _MET if row.met else _MISSED
    axes.barh(place, ratio - 1, left=1, height=0.6, color=colour)
    ends = [ratio]
    if limit is not None:
        axes.vlines(limit, place - 0.4, place + 0.4, color=_MARK, linewidth=2)
        ends.append(limit)
    cheaper = ratio < 1
    axes.annotate(
        _times(ratio),
        (min([1, *ends]) if cheaper else max([1, *ends]), place),
        xytext=(-5 if cheaper else 5, 0),
        textcoords="offset points",
        ha="right" if cheaper else "left",
        va="center",
        fontsize=9,
        color=_TEXT,
    )


def _times(ratio: float) -> str:
    if ratio >= 0.95:
        return f"{ratio:.2f}"
    return f"1/{1 / ratio:.0f}" if ratio < 0.1 else f"1/{1 / ratio:.1f}"
