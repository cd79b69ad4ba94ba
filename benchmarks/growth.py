"""How cost grows with the number of streams: `python -m benchmarks.growth`, some ten minutes on an idle machine.

Each class has 1, 4, 16 and so on to 1024 live streams of 10 ms frames, each number in a process of its own: CPU time
per second and stream, memory per stream, and how late a reader gets what is due (the 99th percentile). The exponent is
the slope of CPU time over streams, both logarithmic: 1 where each stream costs the same. It is fitted where CPU time is
above 1 % of a core, so that what does not grow does not count, and where the process still keeps up.

`--plot docs/growth.png` draws it. `--only mixer,conference` measures some; `--quick` is a look.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks import optional
from benchmarks.growing import SUBJECTS, Growth
from benchmarks.report import new_console
from tests.support.sound_server import SoundServer, missing

NUMBERS = (1, 4, 16, 64, 256, 1024)

# A process that needs more of a core than this, or is later than this, does not keep up.
_MOST_CPU, _MOST_LATE_S = 0.95, 0.1

# CPU seconds per second below which an event loop that does nothing weighs too much.
_LEAST_CPU = 0.01


@dataclass(frozen=True)
class Curve:
    """One class, by the number of its streams."""

    name: str
    growths: dict[int, Growth]

    def keeps_up(self, number: int) -> bool:
        growth = self.growths[number]
        return growth.cpu_s < _MOST_CPU and growth.late_p99_s < _MOST_LATE_S

    @property
    def exponent(self) -> float | None:
        """None where there are not two points."""
        points = [n for n, growth in self.growths.items() if growth.cpu_s > _LEAST_CPU and self.keeps_up(n)]
        if len(points) < 2:
            return None
        costs = [self.growths[n].cpu_s for n in points]
        return float(np.polyfit(np.log(points), np.log(costs), 1)[0])


def measure(name: str, number: int, seconds: float) -> Growth | str:
    """Measures in a fresh process; returns the last line of its error where it fails."""
    command = [sys.executable, "-m", "benchmarks.growing", name, str(number), str(seconds)]
    with ExitStack() as stack:
        environment = None
        if name == "player":
            reason = missing()
            if reason is not None:
                return reason
            environment = stack.enter_context(SoundServer()).environment()
        timeout_s = 60 + 10 * seconds
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=environment)
        except subprocess.TimeoutExpired:
            return f"did not end within {timeout_s:g} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return Growth(**json.loads(done.stdout.splitlines()[-1]))


def grow(name: str, numbers: Sequence[int], seconds: float, console: Console) -> Curve:
    """Measures until the process does not keep up."""
    curve = Curve(name, {})
    for number in numbers:
        growth = measure(name, number, seconds)
        if isinstance(growth, str):
            console.print(f"{name}, {number} streams: {growth}")
            break
        curve.growths[number] = growth
        if not curve.keeps_up(number):
            break
    return curve


def show(curves: Sequence[Curve], console: Console) -> None:
    table = Table("class", "streams", "CPU per second", "per stream", "memory per stream", "late, p99", "exponent")
    for curve in curves:
        exponent = curve.exponent
        for number, growth in curve.growths.items():
            last = number == max(curve.growths)
            table.add_row(
                curve.name,
                str(number),
                f"{growth.cpu_s * 1e3:.1f} ms",
                f"{growth.cpu_s / number * 1e6:.0f} us",
                f"{growth.num_bytes / number / 1024:.0f} KiB",
                f"{growth.late_p99_s * 1e3:.1f} ms" + ("" if curve.keeps_up(number) else ", does not keep up"),
                f"{exponent:.2f}" if last and exponent is not None else "",
                end_section=last,
            )
    console.print(table)


def plot(curves: Sequence[Curve], path: Path) -> None:
    """CPU time over the number of streams, ours as lines with dots, the SDK's dashed."""
    from matplotlib.figure import Figure

    # Colours that red-green blind readers can tell (Okabe and Ito, 2008), and a mark of its own for each.
    colours = dict(
        zip(
            SUBJECTS,
            ("#777777", "#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#000000"),
            strict=False,
        )
    )
    marks = dict(zip(SUBJECTS, "xosD^vP*", strict=False))
    figure = Figure(figsize=(8.8, 5.2), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    for curve in curves:
        base = curve.name.removesuffix(" of the SDK")
        theirs = base != curve.name
        numbers = list(curve.growths)
        costs = [curve.growths[n].cpu_s for n in numbers]
        exponent = curve.exponent
        label = curve.name + (f", exponent {exponent:.2f}" if exponent is not None else "")
        axes.plot(
            numbers,
            costs,
            linestyle="--" if theirs else "-",
            marker=marks.get(base, "o"),
            markerfacecolor="white" if theirs else None,
            color=colours.get(base, "#333333"),
            label=label,
        )
    axes.axhline(1, color="#777777", linewidth=1)
    axes.annotate("one core", (1, 1), xytext=(0, 3), textcoords="offset points", fontsize=8, color="#555555")
    axes.set_xscale("log", base=4)
    axes.set_yscale("log")
    axes.set_xticks(NUMBERS, [str(n) for n in NUMBERS])
    axes.set_xlabel("live streams of 10 ms frames, 48 kHz")
    axes.set_ylabel("CPU seconds per second")
    axes.grid(alpha=0.25)
    axes.legend(fontsize=8, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="up to 64 streams, a second each")
    parser.add_argument("--only", help="names of classes, with commas")
    parser.add_argument("--plot", type=Path, help="a picture to write")
    arguments = parser.parse_args()
    console = new_console()
    names = arguments.only.split(",") if arguments.only else [name for name, subject in SUBJECTS.items()]
    numbers, seconds = ((1, 4, 16, 64), 1.0) if arguments.quick else (NUMBERS, 4.0)
    if optional.sdk() is None:
        names = [name for name in names if not name.endswith(" of the SDK")]
    curves = [grow(name, numbers, seconds, console) for name in names]
    show(curves, console)
    for line in optional.left_out():
        console.print(line)
    if arguments.plot is not None:
        plot(curves, arguments.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
