"""Implements the command `livekit-utils resample`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.options import DamagedOption, ForceOption, InputArgument, JsonOption, OutputArgument, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.conversion.audio_resampler import AudioResampler, AudioResamplerQuality


class Engine(StrEnum):
    """What `AudioResampler` takes as `engine`."""

    AUTO = "auto"
    POLYPHASE = "polyphase"
    SAMPLERATE = "samplerate"


def resample(
    input: InputArgument,
    output: OutputArgument,
    rate: Annotated[int, typer.Option(help="Hz, within a factor of 256 of the input's rate.", show_default=False)],
    quality: Annotated[
        AudioResamplerQuality, typer.Option(help="Higher qualities keep more treble and take longer.")
    ] = AudioResamplerQuality.MEDIUM,
    engine: Annotated[
        Engine,
        typer.Option(help="auto takes the faster filter banks where they cover the rates."),
    ] = Engine.AUTO,
    plot: PlotOption = None,
    damaged: DamagedOption = False,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Convert a sound file to another sample rate. The channels stay the same."""
    with AudioReader(input, damaged=damaged) as reader:
        try:
            resampler = AudioResampler(
                reader.sample_rate, rate, num_channels=reader.num_channels, quality=quality, engine=engine.value
            )
        except ValueError as error:
            raise CliError(f"{input}: {error}") from error
        with Production(
            ProductionOrder(output, force, plot, json),
            [reader],
            sample_rate=rate,
            num_channels=reader.num_channels,
            samples_per_channel=reader.length_at(rate),
        ) as production:
            for frame in production.read(0):
                for converted in resampler.push(frame):
                    production.write(converted)
            for converted in resampler.flush():
                production.write(converted)
            report = production.finish()
    hint = f"the filter overshoots; avoid it with mix {input.name} --rate {rate} --gain {input.stem}=-1"
    report.print(as_json=json, clipping_hint=hint)
