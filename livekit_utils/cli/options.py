"""The options that more than one command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ForceOption = Annotated[bool, typer.Option("--force", help="Replace an output or a plot that exists; never an input.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Report as one JSON object; levels of silence are null.")]
PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE.png", help="Draw waveforms and spectrograms of all inputs and the result."),
]
DeviceOption = Annotated[
    str | None,
    typer.Option(help="An index, a name, or an unmistakable part of one; else the default.", show_default=False),
]
ProcessingOption = Annotated[
    bool, typer.Option("--processing/--no-processing", help="Take out noise and hum, and even the level.")
]
