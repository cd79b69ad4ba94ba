"""The tables."""

from __future__ import annotations

from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from benchmarks.quantity import Quantity
from benchmarks.row import Row
from benchmarks.target import Target, TargetKind

# Where there is no terminal, lines may be as long as they need to be.
_WIDTH_OF_A_FILE = 150


def new_console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_OF_A_FILE)


def table(title: str, rows: list[Row], metadata: dict[str, Any]) -> Table:
    """One line per contender; the column of ratios is ours divided by the contender's."""
    result = Table(title=title, title_justify="left", title_style="bold")
    result.add_column("case")
    result.add_column("contender")
    for name in ("median", "spread", "ours ÷ this", "quartiles", "target"):
        result.add_column(name, justify="right")
    result.add_column("reached")
    previous = None
    for row in rows:
        if previous is not None and row.name != previous:
            result.add_section()
        benchmark = row.benchmark(metadata)
        result.add_row(
            row.name if row.name != previous else "",
            row.contender,
            benchmark.format_value(benchmark.median()),
            _spread(benchmark),
            "" if row.is_ours else ratio(row.ratio),
            "" if row.is_ours else _quartiles(row.ratios),
            _target(row.target, row.quantity) if row.reached is not None else "",
            _verdict(row),
        )
        previous = row.name
    return result


def targets_line(rows: list[Row]) -> str:
    judged = [row for row in rows if row.met is not None]
    missed = [f"{row.name} by {row.contender}" for row in judged if not row.met]
    line = f"{len(judged) - len(missed)} of {len(judged)} targets met"
    return f"{line}; missed: {', '.join(missed)}" if missed else line


def ratio(value: float) -> str:
    """With three significant digits or more, so that a miss by little shows."""
    return f"{value:.1f}" if value >= 99.5 else f"{value:.2f}" if value >= 9.95 else f"{value:.{3 + (value < 0.0995)}f}"


def _spread(benchmark: Any) -> str:
    if benchmark.get_nvalue() < 2:
        return ""
    return f"± {100 * benchmark.median_abs_dev() / benchmark.median():.0f} %"


def _quartiles(ratios: list[float]) -> str:
    if len(ratios) < 2:
        return ""
    low, _, high = quantiles(ratios, n=4, method="inclusive")
    return f"{ratio(low)} to {ratio(high)}"


def _target(target: Target | None, quantity: Quantity) -> str:
    if target is None:
        return ""
    if target.kind is TargetKind.RATIO:
        return f"≤ {ratio(target.limit)}"
    limit = _amount(target.limit, quantity)
    if target.kind is TargetKind.VALUE:
        return f"≤ {limit}"
    return f"{target.quantity or target.contender} + ≤ {limit}"


def _amount(value: float, quantity: Quantity) -> str:
    if quantity.unit == "byte":
        return f"{value / 2**20:.2f} MiB"
    if quantity.unit == "integer":
        return f"{value:g}"
    return f"{value * 1e3:.3g} ms" if abs(value) >= 1e-4 else f"{value * 1e6:.3g} us"


def _verdict(row: Row) -> Text:
    if row.met is None or row.target is None or row.reached is None:
        return Text("")
    shown = ratio(row.reached) if row.target.kind is TargetKind.RATIO else _amount(row.reached, row.quantity)
    if row.target.kind is TargetKind.EXCESS and row.reached >= 0:
        shown = f"+{shown}"
    return Text(f"{'yes' if row.met else 'NO'} {shown}", style="green" if row.met else "bold red")
