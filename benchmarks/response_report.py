"""The table and the picture of what resamplers let through."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from rich.table import Table

from benchmarks.response import INPUT_RATE, OUTPUT_RATE, Response
from livekit_utils import AudioResamplerQuality

# Of Okabe and Ito's colours, which red-green blind readers can tell; the kind of line tells them apart in grey, too.
_LINES = {
    "polyphase": ("livekit_utils, polyphase", "#0072b2", 2.2, "-"),
    "samplerate": ("livekit_utils, samplerate", "#e69f00", 1.6, "--"),
    "sdk": ("SDK", "#000000", 1.2, ":"),
    "soxr": ("soxr", "#cc79a7", 1.2, "-."),
}
_TITLE = f"Resampling from {INPUT_RATE // 1000} to {OUTPUT_RATE // 1000} kHz"


def table(responses: Sequence[Response]) -> Table:
    result = Table(title=_TITLE, title_justify="left", title_style="bold")
    result.add_column("quality")
    result.add_column("engine")
    for name in ("within 0.1 dB to, of Nyquist", "rejection from 1.15", "SINAD, 997 Hz", "held back at most"):
        result.add_column(name, justify="right")
    previous = None
    for response in responses:
        if previous not in (None, response.quality):
            result.add_section()
        result.add_row(
            response.quality.value if response.quality != previous else "",
            _LINES[response.way][0],
            f"{response.passband:.2f}" if response.passband is not None else f"under {response.shares[0]:.2f}",
            f"{max(response.rejection_db, 0):.0f} dB",
            f"{response.sinad_db:.1f} dB",
            f"{response.latency_ms:.1f} ms",
        )
        previous = response.quality
    return result


def save_plot(responses: Sequence[Response], path: Path) -> None:
    """A panel for each quality: level by frequency."""
    qualities = list(AudioResamplerQuality)
    figure = Figure(figsize=(11, 6.2), dpi=110, layout="constrained")
    axes = figure.subplots(2, 3, sharex=True, sharey=True).ravel()
    for quality, panel in zip(qualities, axes, strict=False):
        # What is beyond this aliases.
        panel.axvspan(1.15, 2.5, color="#f3f0ea", linewidth=0)
        panel.axvline(1, color="#999999", linewidth=0.8)
        for response in reversed([one for one in responses if one.quality is quality]):
            label, colour, width, style = _LINES[response.way]
            panel.plot(response.shares, response.levels_db, style, color=colour, linewidth=width, label=label)
        panel.set_title(quality.name, loc="left", fontsize=10)
        panel.grid(color="#e4e4e4", linewidth=0.6)
        panel.spines[["top", "right"]].set_visible(False)
        panel.tick_params(labelsize=8)
    axes[2].tick_params(labelbottom=True)  # there is no panel below it
    axes[0].set_xlim(0.5, 2.5)
    axes[0].set_ylim(-150, 8)
    handles, labels = axes[0].get_legend_handles_labels()
    axes[-1].axis("off")
    axes[-1].legend(handles[::-1], labels[::-1], loc="center", frameon=False, fontsize=10)
    figure.supxlabel("frequency of the tone by the Nyquist frequency of the output; shaded: to be rejected", fontsize=9)
    figure.supylabel("level of what comes out, dB", fontsize=9)
    figure.suptitle(f"{_TITLE}, a tone at a time", x=0.01, ha="left", fontsize=11)
    figure.savefig(path)
