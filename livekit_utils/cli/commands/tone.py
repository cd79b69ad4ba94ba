"""livekit-utils tone"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.options import ForceOption, JsonOption, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.frames.sine_wave import sine_wave_generator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit_utils.frames.audio_frame import AudioFrame


def tone(
    freq: Annotated[float, typer.Argument(help="Hz, 20 to 20000 and below half the rate.", show_default=False)],
    seconds: Annotated[float, typer.Argument(help="Length, above 0.", show_default=False)],
    output: Annotated[Path, typer.Argument(metavar="OUT", help="WAV, FLAC or OGG, by its suffix.", show_default=False)],
    rate: Annotated[int, typer.Option(help="Hz, from 1000.")] = 48000,
    amplitude: Annotated[float, typer.Option(help="0 to 1, where 1 is full scale.")] = 0.3,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Write a sine wave, mono."""
    try:
        wave = sine_wave_generator(freq, seconds, rate, amplitude)
        num_frames = round(seconds * rate)
    except (ValueError, OverflowError) as error:
        raise CliError(str(error)) from error
    with Production(
        ProductionOrder(output, force, plot, json),
        [],
        sample_rate=rate,
        num_channels=1,
        num_frames=num_frames,
    ) as production:
        asyncio.run(_run(wave, production))
        report = production.finish()
    report.print(as_json=json, clipping_hint="the wave reaches full scale; lower --amplitude")


async def _run(wave: AsyncIterator[AudioFrame], production: Production) -> None:
    async for frame in wave:
        production.write(frame)
        # The wave never waits by itself, and without a pause Ctrl-C would be heard at its end.
        await asyncio.sleep(0)
