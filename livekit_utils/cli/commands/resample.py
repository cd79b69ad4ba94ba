"""livekit-utils resample"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.options import ForceOption, JsonOption, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.conversion.audio_resampler import AudioResampler, AudioResamplerQuality


def resample(
    input: Annotated[Path, typer.Argument(metavar="IN", help="WAV, FLAC, OGG or MP3.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="WAV, FLAC or OGG, by its suffix.", show_default=False)],
    rate: Annotated[int, typer.Option(help="Hz, within a factor of 256 of the input's.", show_default=False)],
    quality: Annotated[
        AudioResamplerQuality, typer.Option(help="How much of the treble stays, and how long it takes.")
    ] = AudioResamplerQuality.MEDIUM,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Convert a sound file to another sample rate; its channels are kept."""
    with AudioReader(input) as reader:
        try:
            resampler = AudioResampler(reader.sample_rate, rate, num_channels=reader.num_channels, quality=quality)
        except ValueError as error:
            raise CliError(f"{input}: {error}") from error
        with Production(
            ProductionOrder(output, force, plot, json),
            [reader],
            sample_rate=rate,
            num_channels=reader.num_channels,
            num_frames=round(Fraction(reader.num_frames * rate, reader.sample_rate)),
        ) as production:
            for frame in production.read(0):
                for converted in resampler.push(frame):
                    production.write(converted)
            for converted in resampler.flush():
                production.write(converted)
            report = production.finish()
    hint = f"the filter overshoots: mix {input.name} --rate {rate} --gain {input.stem}=-1 leaves it room"
    report.print(as_json=json, clipping_hint=hint)
