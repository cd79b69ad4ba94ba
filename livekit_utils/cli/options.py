"""Defines the options and arguments that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_READABLE = "WAV, FLAC, OGG, MP3 or AU; - is standard input."

FilesArgument = Annotated[list[Path], typer.Argument(metavar="FILE...", help=_READABLE, show_default=False)]
InputsArgument = Annotated[list[Path], typer.Argument(metavar="IN...", help=_READABLE, show_default=False)]
InputArgument = Annotated[Path, typer.Argument(metavar="IN", help=_READABLE, show_default=False)]
OutputArgument = Annotated[
    Path,
    typer.Argument(
        metavar="OUT", help="The suffix selects WAV, FLAC, OGG or AU; - is standard output, as WAV.", show_default=False
    ),
]
RawOption = Annotated[
    str | None,
    typer.Option(
        metavar="ENCODING:RATE[:CHANNELS]",
        help="The samples of files without a header, as ulaw:8000 or s16le:16000:2. These are - and all files that are "
        "not called like a sound file, whether they are read or written.",
        show_default=False,
    ),
]


class OutputEncoding(StrEnum):
    """The samples of a WAV, AU or raw file."""

    U8 = "u8"
    S16 = "s16"
    S24 = "s24"
    S32 = "s32"
    F32 = "f32"
    F64 = "f64"
    ULAW = "ulaw"
    ALAW = "alaw"


EncodingOption = Annotated[
    OutputEncoding | None,
    typer.Option(help="The samples of a WAV or AU file; by default 16 bits.", show_default=False),
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
NormalizeOption = Annotated[
    str | None,
    typer.Option(
        metavar="dBFS|LUFS",
        help="Bring the output's highest peak to a level, as -1, or its loudness, as -16LUFS: as far as its true peak "
        "stays at or below -1 dBTP.",
    ),
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
