"""The command line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pyperf  # type: ignore[import-untyped]
import typer

from benchmarks import ahead, cases, machine, optional, report, response, response_report
from benchmarks.effort import FULL, QUICK, Effort
from benchmarks.errors import DisagreementError, UnknownNameError
from benchmarks.measurement import Measurement
from benchmarks.plot import save_plot
from benchmarks.row import Row

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def measure(
    names: Annotated[
        list[str] | None, typer.Argument(help="Groups, or the starts of rows' names; * stands for anything.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the results here, for pyperf show and compare_to.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the main results here, as PNG or SVG.")] = None,
    responses: Annotated[
        Path | None, typer.Option(help="Measure what resamplers let through instead, and draw it here.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Few and short rounds: whether it works.")] = False,
    list_rows: Annotated[bool, typer.Option("--list", help="Only say which rows there are.")] = False,
) -> None:
    """Compares livekit_utils with other ways to do the same; all of it, or what is named."""
    effort = QUICK if quick else FULL
    if responses is not None:
        _measure_responses(effort, responses)
        return
    try:
        groups = cases.selected(names or [], effort)
        if list_rows:
            for _, experiments in groups:
                for experiment in experiments:
                    for quantity in experiment.quantities:
                        for contender in experiment.contenders:
                            typer.echo(f"{experiment.row_name(quantity)}/{contender.name}")
            return
        rows = _measure(groups, effort.seconds, json, plot)
    except (DisagreementError, UnknownNameError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    lost = [] if quick else ahead.lost(rows)  # short rounds tell too little
    if lost:
        typer.echo(f"error: no longer ahead of the SDK: {', '.join(lost)}", err=True)
        raise typer.Exit(1)


def _measure(groups: cases.Groups, seconds: float, json: Path | None, plot: Path | None) -> list[Row]:
    console = report.new_console()
    metadata = machine.metadata()
    for line in machine.header():
        console.print(line, soft_wrap=True)
    rows: list[Row] = []
    for group, experiments in groups:
        measurements = [Measurement.take(experiment, seconds) for experiment in experiments]
        measured = [row for measurement in measurements for row in measurement.rows()]
        console.print(report.table(cases.title(group), measured, metadata))
        for measurement in measurements:
            for line in measurement.left_out:
                console.print(line, soft_wrap=True)
        rows += measured
    for line in [report.targets_line(rows), *optional.left_out()]:
        console.print(line, soft_wrap=True)
    if json is not None:
        pyperf.BenchmarkSuite([row.benchmark(metadata) for row in rows]).dump(str(json), replace=True)
    if plot is not None:
        save_plot(rows, plot)
    return rows


def _measure_responses(effort: Effort, plot: Path) -> None:
    measured = response.measure(effort)
    console = report.new_console()
    console.print(response_report.table(measured))
    for line in optional.left_out():
        console.print(line, soft_wrap=True)
    response_report.save_plot(measured, plot)
