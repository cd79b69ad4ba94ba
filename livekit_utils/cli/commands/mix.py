"""Implements the command `livekit-utils mix`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from livekit_utils.cli.file_mix import FileMix
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.gains import parse_gains, parse_offsets
from livekit_utils.cli.normalization import Normalization
from livekit_utils.cli.numbers import Rate
from livekit_utils.cli.options import (
    combined,
    damaged_option,
    encoding_option,
    force_option,
    gain_option,
    json_option,
    normalize_option,
    plot_option,
    raw_option,
    takes_inputs_and_output,
)
from livekit_utils.cli.production import Production, ProductionOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXAMPLES = (
    "livekit-utils mix speech.wav music.flac -o mixed.flac --gain music=-12dB",
    "livekit-utils mix speech.wav music.flac mixed.wav --offset speech=1.5 --normalize=-16LUFS",
)


@click.command()
@takes_inputs_and_output
@combined(
    click.option("--rate", type=Rate(), help="Sample rate in Hz, as 16k; by default the highest of the inputs."),
    click.option("--channels", type=int, metavar="N", help="By default the highest number of the inputs."),
    gain_option,
    click.option(
        "--offset",
        metavar="NAME=SECONDS",
        multiple=True,
        help="Lets this input begin later, so many seconds into the mix.",
    ),
    normalize_option,
    plot_option,
    damaged_option,
    raw_option,
    encoding_option,
    json_option,
    force_option,
)
def mix(
    inputs: list[Path],
    output: Path,
    rate: int | None,
    channels: int | None,
    gain: Sequence[str],
    offset: Sequence[str],
    normalize: str | None,
    plot: Path | None,
    damaged: bool,
    raw: str | None,
    encoding: str | None,
    json: bool,
    force: bool,
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
    gains_db = parse_gains(gain, inputs)
    offsets = parse_offsets(offset, inputs)
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
