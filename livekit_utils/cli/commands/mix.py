"""Implements the command `livekit-utils mix`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from livekit_utils.cli.file_mix import FileMix
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.mixing import parse_gains, parse_offsets
from livekit_utils.cli.normalization import Normalization
from livekit_utils.cli.options import (
    DamagedOption,
    EncodingOption,
    ForceOption,
    GainOption,
    InputsArgument,
    JsonOption,
    NormalizeOption,
    PlotOption,
    RawOption,
)
from livekit_utils.cli.production import Production, ProductionOrder


def mix(
    inputs: InputsArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="The suffix selects WAV, FLAC, OGG or AU; - is standard output."
        ),
    ],
    rate: Annotated[int | None, typer.Option(help="Hz; by default the highest rate of the inputs.")] = None,
    channels: Annotated[int | None, typer.Option(help="By default the highest number of the inputs.")] = None,
    gain: GainOption = None,
    offset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SECONDS", help="Lets this input begin later, so many seconds into the mix."),
    ] = None,
    normalize: NormalizeOption = None,
    plot: PlotOption = None,
    damaged: DamagedOption = False,
    raw: RawOption = None,
    encoding: EncodingOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Mix sound files into one: their exact sum, saturated once.

    Inputs of other rates are converted. Mono is copied to all channels, and several channels are averaged to mono;
    any other change of channels is an error. The mix ends with the input that ends last.

    With --normalize, one gain for all inputs brings the mix to a peak or to a loudness (ITU-R BS.1770, EBU R 128).
    Where a loudness would bring the true peak above -1 dBTP, or where an input would get more than +40 dB, the gain is
    lower, and the report says by how much. The inputs are read twice, and again where the mix clips without this gain.
    """
    wanted = None if normalize is None else Normalization(normalize)
    check_inputs(inputs)
    gains_db = parse_gains(gain or [], inputs)
    offsets = parse_offsets(offset or [], inputs)
    format = parse_raw(raw, [*inputs, output])
    form = output_form(output, format, encoding, takes_raw=True)
    if format is not None and form.container == "RAW":
        rate, channels = rate or format.sample_rate, channels or format.num_channels
    with ExitStack() as stack:
        whole = wanted is not None or plot is not None or form.needs_length
        readers = [stack.enter_context(AudioReader(path, damaged=damaged, raw=format, whole=whole)) for path in inputs]
        if rate is None:
            rate = max(reader.sample_rate for reader in readers)
        if channels is None:
            channels = max(reader.num_channels for reader in readers)
        file_mix = FileMix(readers, offsets, rate, channels)
        note = ""
        if wanted is not None:
            missing = file_mix.missing_gain(wanted, gains_db, output.name)
            gains_db, note = [gain_db + missing.db for gain_db in gains_db], missing.note
        production = stack.enter_context(
            Production(
                ProductionOrder(output, force, plot, json, form),
                readers,
                sample_rate=rate,
                num_channels=channels,
                find_length=file_mix.find_length,
                gains_db=gains_db,
                with_loudness=wanted is not None and wanted.is_loudness,
            )
        )
        file_mix.run(production.inputs, production.write)
        report = production.finish()
    report.print(as_json=json, clipping_hint="lower the inputs with --gain NAME=dB", loudness_note=note)
