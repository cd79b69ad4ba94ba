"""Draws docs/conference.png: who hears whom in examples/conference.py.

    .venv/bin/python -m tools.draw_conference docs/conference.png

It runs in virtual time and needs matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np

from examples.conference import LENGTH_S, PEOPLE, RATE, confer, heard_in
from tests.support.virtual_time import run
from tools.colours import FOUR

mpl.use("Agg")
import matplotlib.pyplot as plt

COLOURS = FOUR
PIECE = RATE // 20


def main(path: Path) -> None:
    heard = run(confer())
    figure, axes = plt.subplots(len(PEOPLE), 1, figsize=(9, 4.8), sharex=True, layout="constrained")
    for axis, listener in zip(axes, PEOPLE, strict=True):
        samples = heard[listener.name]
        starts = range(0, samples.size - PIECE, PIECE)
        for row, (speaker, colour) in enumerate(zip(PEOPLE, COLOURS, strict=True)):
            level = np.array([heard_in(samples[at : at + PIECE], speaker) for at in starts]).clip(0, 1)
            axis.fill_between(np.array(starts) / RATE, row - 0.4 * level, row + 0.4 * level, color=colour, linewidth=0)
        axis.set_ylim(len(PEOPLE) - 0.4, -0.6)
        axis.set_yticks(range(len(PEOPLE)), [person.name for person in PEOPLE], fontsize=8)
        axis.set_ylabel(f"{listener.name}\nhears", rotation=0, ha="right", va="center")
        axis.set_xlim(0, LENGTH_S)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    begin, end = PEOPLE[2].stall
    for axis in axes:
        axis.axvspan(begin, end, color="#eeeeee", zorder=-1)
    axes[0].set_title(
        "Four people in one mixer: Bela's clock is 300 ppm too fast, Carl's network stalls (grey)", fontsize=10
    )
    axes[-1].set_xlabel("time in s")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
