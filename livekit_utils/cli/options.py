"""Defines the options and arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_READABLE = "WAV, FLAC, OGG or MP3; - is standard input."

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", help=_READABLE, show_default=False)]
InputsArgument = Annotated[list[Path], typer.Argument(metavar="IN...", help=_READABLE, show_default=False)]
InputArgument = Annotated[Path, typer.Argument(metavar="IN", help=_READABLE, show_default=False)]
OutputArgument = Annotated[
    Path,
    typer.Argument(
        metavar="OUT", help="The suffix selects WAV, FLAC or OGG; - is standard output, as WAV.", show_default=False
    ),
]
GainOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=dB", help="Sets the gain of the input with this path, file name, or file name without suffix."
    ),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Replace existing outputs and plots, but never an input.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the report as one JSON object; the level of silence is null.")
]
PlotOption = Annotated[
    Path | None,
    typer.Option("--plot", metavar="FILE.png", help="Draw waveforms and spectrograms of all inputs and the result."),
]
DamagedOption = Annotated[
    bool, typer.Option("--damaged", help="Read damaged and cut-off files as far as they go, with a warning.")
]
DeviceOption = Annotated[
    str | None,
    typer.Option(
        help="An index, a name or a unique part of a name; the default device if not given.", show_default=False
    ),
]
DevicesOption = Annotated[
    list[str] | None,
    typer.Option(
        help="An index, a name or a unique part of a name; the default device if not given. Several: one side each.",
        show_default=False,
    ),
]
ProcessingOption = Annotated[
    bool, typer.Option("--processing/--no-processing", help="Remove noise and hum, and level the volume.")
]
