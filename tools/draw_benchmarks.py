"""Draws docs/benchmarks.png from the first table under "How fast" in docs/measured.md, so that both say the same.

    .venv/bin/python -m tools.draw_benchmarks docs/benchmarks.png

It needs matplotlib.
"""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

from matplotlib.figure import Figure

from tools.colours import BLUE, VERMILION

PAGE = Path(__file__).parent.parent / "docs" / "measured.md"
TICKS = {1 / 50: "1/50", 1 / 20: "1/20", 1 / 10: "1/10", 1 / 5: "1/5", 1 / 2: "1/2", 1: "1", 2: "2"}
# Characters of a line beside the bars.
LINE = 60


class Bar(NamedTuple):
    """A ratio of the table: what was done, with what it is compared, and ours divided by that."""

    what: str
    other: str
    ratio: float


def bars(page: str) -> list[Bar]:
    table = page.partition("## How fast")[2].partition("| what |")[2].partition("\n\n")[0]
    found: list[Bar] = []
    what = ""
    for line in table.splitlines()[2:]:
        cells = [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        what = cells[0].replace("the same", what.partition(",")[0]) if cells[0].startswith("the same") else cells[0]
        ratios = [part.strip() for part in cells[3].split(";") if part.strip()]
        for other, ratio in zip(cells[2].split(";"), ratios, strict=False):
            name = re.split(r"\s\d", other.strip())[0]
            found.append(Bar(what, name, float(ratio)))
    return found


def draw(path: Path) -> None:
    rows = bars(PAGE.read_text("utf-8"))
    figure = Figure(figsize=(9.6, 1.3 + 0.42 * len(rows)), dpi=120, layout="constrained")
    axes = figure.subplots()
    axes.set_xscale("log")
    for place, row in enumerate(rows):
        faster = row.ratio <= 1
        colour, hatch = (BLUE, None) if faster else (VERMILION, "///")
        axes.barh(place, row.ratio - 1, left=1, height=0.62, color=colour, hatch=hatch, edgecolor="white", linewidth=0)
        axes.annotate(
            f"{row.ratio:.2g}" if row.ratio < 1 else f"{row.ratio:.2f}",
            (row.ratio, place),
            xytext=(-4 if faster else 4, 0),
            textcoords="offset points",
            ha="right" if faster else "left",
            va="center",
            fontsize=9,
        )
    axes.axvline(1, color="0.3", linewidth=1)
    axes.set_xlim(1 / 160, 3)
    axes.set_xticks(list(TICKS), list(TICKS.values()), fontsize=9)
    axes.minorticks_off()
    names = [textwrap.fill(f"{row.what} ÷ {row.other}", LINE) for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=8.5)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    figure.supxlabel(
        "time (or bytes) of livekit_utils ÷ that of the other, on a logarithmic axis; 1 is equal", fontsize=9
    )
    figure.suptitle("Blue, to the left: livekit_utils takes less. Orange, hatched: the other takes less.", fontsize=10)
    # A test compares this with the table.
    figure.savefig(path, metadata={"Software": None, "Description": repr([row.ratio for row in rows])})


if __name__ == "__main__":
    draw(Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks.png"))
