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
