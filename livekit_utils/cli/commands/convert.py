"""Implements the commands `livekit-utils convert` and `livekit-utils resample`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.conversion import Conversion, Gains, louder, parse_picked
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.files.raw_files import parse_raw
from livekit_utils.cli.normalization import Normalization
from livekit_utils.cli.options import (
    DamagedOption,
    EncodingOption,
    ForceOption,
    InputArgument,
    JsonOption,
    NormalizeOption,
    OutputArgument,
    PlotOption,
    RawOption,
)
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.cli.speech import take_speech
from livekit_utils.conversion.audio_resampler import AudioResamplerQuality
from livekit_utils.files.samples import as_floats

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit_utils.frames.audio_frame import AudioFrame


class Engine(StrEnum):
    """What `AudioResampler` takes as `engine`."""

    AUTO = "auto"
    POLYPHASE = "polyphase"
    SAMPLERATE = "samplerate"


EngineOption = Annotated[Engine, typer.Option(help="auto takes the faster filter banks where they cover the rates.")]
ChannelsOption = Annotated[
    int | None, typer.Option(min=1, max=128, help="1 averages the channels; a higher number copies mono to all.")
]
PickOption = Annotated[
    str | None, typer.Option(metavar="N,N...", help="Take these channels of the input, from 0, in this order.")
]
StartOption = Annotated[float, typer.Option(help="Seconds of the input at which the output begins.")]
EndOption = Annotated[float | None, typer.Option(help="Seconds of the input at which the output ends.")]
TrimOption = Annotated[
    bool, typer.Option("--trim", help="Leave out what is before the first and after the last word, but 0.2 s.")
]


def resample(
    input: InputArgument,
    output: OutputArgument,
    rate: Annotated[int, typer.Option(help="Hz, within a factor of 256 of the input's rate.", show_default=False)],
    quality: Annotated[
        AudioResamplerQuality, typer.Option(help="Higher qualities keep more treble and take longer.")
    ] = AudioResamplerQuality.MEDIUM,
    engine: EngineOption = Engine.AUTO,
    channels: ChannelsOption = None,
    pick: PickOption = None,
    start: StartOption = 0.0,
    end: EndOption = None,
    trim: TrimOption = False,
    normalize: NormalizeOption = None,
    plot: PlotOption = None,
    damaged: DamagedOption = False,
    raw: RawOption = None,
    encoding: EncodingOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Convert a sound file to another sample rate: `convert`, with a rate that must be given."""
    convert(
        input, output, rate, quality, engine, channels, pick, start, end, trim, normalize, plot, damaged, raw,
        encoding, json, force,
    )  # fmt: skip


def convert(
    input: InputArgument,
    output: OutputArgument,
    rate: Annotated[
        int | None, typer.Option(help="Hz, within a factor of 256 of the input's rate, which is the default.")
    ] = None,
    quality: Annotated[
        AudioResamplerQuality, typer.Option(help="Higher qualities keep more treble and take longer.")
    ] = AudioResamplerQuality.MEDIUM,
    engine: EngineOption = Engine.AUTO,
    channels: ChannelsOption = None,
    pick: PickOption = None,
    start: StartOption = 0.0,
    end: EndOption = None,
    trim: TrimOption = False,
    normalize: NormalizeOption = None,
    plot: PlotOption = None,
    damaged: DamagedOption = False,
    raw: RawOption = None,
    encoding: EncodingOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Convert a sound file: its format, encoding, sample rate, channels, part or level.

    What is not named stays as it is.

    With --normalize, one gain brings the whole to a peak or to a loudness (ITU-R BS.1770, EBU R 128). Where a loudness
    would bring the true peak above -1 dBTP, the gain is lower, and the report says by how much. What is below -70 LUFS
    or shorter than 400 ms has no loudness, and stays as it is.
    """
    wanted = None if normalize is None else Normalization(normalize)
    format = parse_raw(raw, [input, output])
    form = output_form(output, format, encoding, takes_raw=True)
    picked = parse_picked(pick)
    if format is not None and form.container == "RAW":
        rate = rate or format.sample_rate
        channels = channels or (None if picked else format.num_channels)
    whole = wanted is not None or trim or plot is not None or form.needs_length
    with AudioReader(input, damaged=damaged, raw=format, whole=whole) as reader:
        if start or end is not None:
            reader.take_part(start, end)
        if trim:
            take_speech(reader)
        conversion = Conversion(reader, rate, channels, picked, quality, engine.value)
        gains = Gains() if wanted is None else conversion.gains(wanted)
        with Production(
            ProductionOrder(output, force, plot, json, form),
            [reader],
            sample_rate=conversion.sample_rate,
            num_channels=conversion.num_channels,
            find_length=lambda: reader.length_at(conversion.sample_rate),
            gains_db=[gains.input_db],
            with_loudness=wanted is not None and wanted.is_loudness,
        ) as production:
            frames = production.read(0) if wanted is None else _scaled(production, reader)
            for frame in conversion.frames(frames):
                production.write(louder(frame, gains.result_db))
            production.inputs[0].gain_db += gains.result_db
            report = production.finish()
    hint = f"the filter overshoots; avoid it with convert --normalize 0, or mix --gain {input.stem}=-1"
    report.print(as_json=json, clipping_hint=hint, loudness_note=gains.note)


def _scaled(production: Production, reader: AudioReader) -> Iterator[AudioFrame]:
    """Yields the frames of the input with its gain, which comes before anything is rounded."""
    track = production.inputs[0]
    track.is_s16 = False
    return track.frames(as_floats(samples) for samples in reader.blocks())
