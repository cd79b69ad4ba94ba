"""Mixes sound files into one, for the command `mix`."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from livekit_utils.cli.file_mix import FileMix
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.files.wide_samples import warn_of_16_bits
from livekit_utils.cli.gains import parse_gains, parse_offsets
from livekit_utils.cli.normalization import Normalization
from livekit_utils.cli.production import Production, ProductionOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def mix_files(
    inputs: list[Path],
    output: Path,
    rate: int | None,
    channels: int | None,
    gain: Sequence[str],
    offset: Sequence[str],
    trim: bool,
    normalize: str | None,
    plot: Path | None,
    dark: bool,
    damaged: bool,
    raw: str | None,
    encoding: str | None,
    json: bool,
    force: bool,
) -> None:
    """Mixes files, and prints the report. The arguments are those of the command.

    Raises:
        CliError, OSError: A file cannot be read, mixed or written.
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
        whole = wanted is not None or trim or plot is not None or form.needs_length
        readers = [stack.enter_context(AudioReader(path, damaged=damaged, raw=format, whole=whole)) for path in inputs]
        if rate is None:
            rate = max(reader.sample_rate for reader in readers)
        if channels is None:
            channels = max(reader.num_channels for reader in readers)
        file_mix = FileMix(readers, offsets, rate, channels)
        if trim:
            file_mix.take_speech(gains_db, output.name)
        note = ""
        if wanted is not None:
            missing = file_mix.missing_gain(wanted, gains_db, output.name)
            gains_db, note = [gain_db + missing.db for gain_db in gains_db], missing.note
        production = stack.enter_context(
            Production(
                ProductionOrder(output, force, plot, json, form, dark),
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
    warn_of_16_bits(output, form.encoding, "a mix is")
    hint = "lower the inputs with --gain, or the mix with --normalize=-1"
    report.print(as_json=json, clipping_hint=hint, loudness_note=note)
