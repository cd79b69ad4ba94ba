"""Implements the commands `livekit-utils convert` and `livekit-utils resample`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from livekit_utils.cli.conversion import Conversion, Gains, louder, parse_picked
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.gains import parse_gains
from livekit_utils.cli.normalization import Normalization
from livekit_utils.cli.numbers import Rate
from livekit_utils.cli.options import (
    combined,
    damaged_option,
    encoding_option,
    force_option,
    gain_option,
    input_argument,
    json_option,
    normalize_option,
    plot_option,
    quality_option,
    raw_option,
    takes_output,
)
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.files.samples import as_floats

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from livekit_utils.conversion.engines import AudioResamplerQuality, EngineChoice
    from livekit_utils.frames.audio_frame import AudioFrame

# What `AudioResampler` takes as `engine`.
ENGINES = ("auto", "polyphase", "samplerate")

EXAMPLES = (
    "livekit-utils convert call.wav call.flac --rate 16k --channels 1",
    "livekit-utils convert call.wav caller.wav --pick 0 --start 12.5 --end 60 --normalize=-1dB",
    "livekit-utils convert line.ulaw line.wav --raw ulaw:8k",
    "livekit-utils resample music.flac music.opus --rate 48k --quality high",
)


_OPTIONS = combined(
    quality_option,
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        metavar="ENGINE",
        default="auto",
        show_default=True,
        help=f"{', '.join(ENGINES)}: auto takes the faster filter banks where they cover the rates.",
    ),
    click.option(
        "--channels",
        type=click.IntRange(1, 128),
        metavar="N",
        help="1 averages the channels; a higher number copies mono to all.",
    ),
    click.option("--pick", metavar="N,N...", help="Take these channels of the input, from 0, in this order."),
    click.option("--start", type=float, metavar="SECONDS", default=0.0, help="Where in the input the output begins."),
    click.option("--end", type=float, metavar="SECONDS", help="Where in the input the output ends."),
    click.option("--trim", is_flag=True, help="Leave out what is before the first and after the last word, but 0.2 s."),
    gain_option,
    normalize_option,
    plot_option,
    damaged_option,
    raw_option,
    encoding_option,
    json_option,
    force_option,
)


@click.command()
@input_argument
@takes_output
@click.option("--rate", type=Rate(), required=True, help="Hz, as 16k, within a factor of 256 of the input's rate.")
@_OPTIONS
def resample(**options: Any) -> None:
    """Convert a sound file to another sample rate: `convert`, with a rate that must be given."""
    _convert(**options)


@click.command()
@input_argument
@takes_output
@click.option(
    "--rate", type=Rate(), help="Hz, as 16k, within a factor of 256 of the input's rate, which is the default."
)
@_OPTIONS
def convert(**options: Any) -> None:
    """Convert a sound file: its format, encoding, sample rate, channels, part or level.

    What is not named stays as it is.

    With --normalize, one gain brings the whole to a peak or to a loudness (ITU-R BS.1770, EBU R 128). Where a loudness
    would bring the true peak above -1 dBTP, the gain is lower, and the report says by how much. What is below -70 LUFS
    or shorter than 400 ms has no loudness, and stays as it is.
    """
    _convert(**options)


def _convert(
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
    damaged: bool,
    raw: str | None,
    encoding: str | None,
    json: bool,
    force: bool,
) -> None:
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
            from livekit_utils.cli.speech import take_speech

            take_speech(reader)
        conversion = Conversion(reader, rate, channels, picked, quality, engine)
        gains = Gains() if wanted is None else conversion.gains(wanted)
        with Production(
            ProductionOrder(output, force, plot, json, form),
            [reader],
            sample_rate=conversion.sample_rate,
            num_channels=conversion.num_channels,
            find_length=lambda: reader.length_at(conversion.sample_rate),
            gains_db=[gains.input_db if wanted is not None else gain_db],
            with_loudness=wanted is not None and wanted.is_loudness,
        ) as production:
            is_as_it_is = wanted is None and gain_db == 0
            frames = production.read(0) if is_as_it_is else _scaled(production, reader)
            for frame in conversion.frames(frames):
                production.write(louder(frame, gains.result_db))
            production.inputs[0].gain_db += gains.result_db
            report = production.finish()
    hint = "the filter overshoots, or --gain is too high; avoid it with --normalize 0, or --gain -1"
    report.print(as_json=json, clipping_hint=hint, loudness_note=gains.note)


def _scaled(production: Production, reader: AudioReader) -> Iterator[AudioFrame]:
    """Yields the frames of the input with its gain, which comes before anything is rounded."""
    track = production.inputs[0]
    track.is_s16 = False
    return track.frames(as_floats(samples) for samples in reader.blocks())
