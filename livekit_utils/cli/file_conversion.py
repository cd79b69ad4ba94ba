"""Converts a sound file, for the commands `convert` and `resample`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.conversion import Conversion, Gains, louder, parse_picked
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.files.wide_samples import WideEncoder, is_wide, warn_of_16_bits
from livekit_utils.cli.gains import parse_gains
from livekit_utils.cli.normalization import Normalization
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.cli.speech import take_speech
from livekit_utils.files.samples import as_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from livekit_utils.cli.files.output_form import OutputForm
    from livekit_utils.conversion.engines import AudioResamplerQuality, EngineChoice
    from livekit_utils.frames.audio_frame import AudioFrame


def convert_file(
    input: Path,
    output: Path,
    rate: int | None,
    quality: AudioResamplerQuality,
    engine: EngineChoice,
    channels: int | None,
    pick: str | None,
    start: float,
    end: float | None,
    trim: bool,
    gain: Sequence[str],
    normalize: str | None,
    plot: Path | None,
    dark: bool,
    damaged: bool,
    raw: str | None,
    encoding: str | None,
    json: bool,
    force: bool,
) -> None:
    """Converts one file, and prints the report. The arguments are those of the command.

    Raises:
        CliError, OSError: A file cannot be read, converted or written.
    """
    wanted = None if normalize is None else Normalization(normalize)
    [gain_db] = parse_gains(gain, [input])
    format = parse_raw(raw, [input, output])
    form = output_form(output, format, encoding, takes_raw=True)
    picked = parse_picked(pick)
    if wanted is not None and gain_db:
        raise CliError("--gain: expected none beside --normalize, which sets the level")
    if format is not None and form.container == "RAW":
        rate = rate or format.sample_rate
        channels = channels or (None if picked else format.num_channels)
    whole = wanted is not None or trim or plot is not None or form.needs_length
    with AudioReader(input, damaged=damaged, raw=format, whole=whole) as reader:
        if start or end is not None:
            reader.take_part(start, end)
        if trim:
            take_speech(reader)
        conversion = Conversion(reader, rate, channels, picked, quality, engine)
        gains = Gains() if wanted is None else conversion.gains(wanted)
        with Production(
            ProductionOrder(output, force, plot, json, form, dark),
            [reader],
            sample_rate=conversion.sample_rate,
            num_channels=conversion.num_channels,
            find_length=lambda: reader.length_at(conversion.sample_rate),
            gains_db=[gains.input_db if wanted is not None else gain_db],
            with_loudness=wanted is not None and wanted.is_loudness,
        ) as production:
            total_db = gain_db if wanted is None else gains.input_db + gains.result_db
            has_more = not reader.is_s16 or total_db != 0
            if has_more and is_wide(form.encoding) and _keeps_all_bits(reader, conversion, form):
                _write_wide(production, reader, picked, form.encoding or "", total_db)
                frames: Iterator[AudioFrame] = iter(())
            elif wanted is None and gain_db == 0:
                frames = production.read(0)
            else:
                frames = _scaled(production, reader)
            for frame in conversion.frames(frames):
                production.write(louder(frame, gains.result_db))
            production.inputs[0].gain_db += gains.result_db
            report = production.finish()
        if not _keeps_all_bits(reader, conversion, form):
            warn_of_16_bits(output, form.encoding, "what is resampled or averaged is")
    report.print(as_json=json, clipping_hint="--normalize=-1 avoids it", loudness_note=gains.note)


def _keeps_all_bits(reader: AudioReader, conversion: Conversion, form: OutputForm) -> bool:
    """Returns whether more than 16 bits can come through: the file is neither resampled nor mixed."""
    is_same = conversion.sample_rate == reader.sample_rate and conversion.num_channels == conversion.num_taken
    return is_same and form.container in ("WAV", "AU", "RAW")


def _write_wide(
    production: Production, reader: AudioReader, picked: Sequence[int] | None, encoding: str, gain_db: float
) -> None:
    encoder = WideEncoder(encoding, dither=gain_db != 0 or reader.subtype != "PCM_24")
    factor = np.float32(10 ** (gain_db / 20))
    for samples in reader.blocks():
        production.inputs[0].add(samples)
        taken = as_floats(samples if picked is None else samples[:, picked])
        production.write_wide(np.ascontiguousarray(taken * factor if gain_db else taken), encoder)


def _scaled(production: Production, reader: AudioReader) -> Iterator[AudioFrame]:
    """Yields the frames of the input with its gain, which comes before anything is rounded."""
    track = production.inputs[0]
    track.is_s16 = False
    return track.frames(as_floats(samples) for samples in reader.blocks())
