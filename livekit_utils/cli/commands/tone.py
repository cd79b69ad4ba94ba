"""Implements the command `livekit-utils tone`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.interruption import run
from livekit_utils.cli.options import ForceOption, JsonOption, OutputArgument, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.signals.sine_wave import sine_wave_generator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit_utils.frames.audio_frame import AudioFrame


def tone(
    freq: Annotated[float, typer.Argument(help="Hz, from 20 to 20000 and below half the rate.", show_default=False)],
    seconds: Annotated[float, typer.Argument(help="The length, above 0.", show_default=False)],
    output: OutputArgument,
    rate: Annotated[int, typer.Option(help="Hz, 1000 or more.")] = 48000,
    amplitude: Annotated[float, typer.Option(help="From 0 to 1, which is full scale.")] = 0.3,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Write a mono file with a sine wave."""
    try:
        wave = sine_wave_generator(freq, seconds, rate, amplitude)
        samples_per_channel = round(seconds * rate)
    except (ValueError, OverflowError) as error:
        raise CliError(str(error)) from error
    with Production(
        ProductionOrder(output, force, plot, json),
        [],
        sample_rate=rate,
        num_channels=1,
        find_length=lambda: samples_per_channel,
    ) as production:
        run(_run, wave, production)
        report = production.finish()
    report.print(as_json=json, clipping_hint="the wave reaches full scale; lower --amplitude")


async def _run(wave: AsyncIterator[AudioFrame], production: Production) -> None:
    async for frame in wave:
        production.write(frame)
        # The generator never waits. Without this, Ctrl-C would have no effect before its end.
        await asyncio.sleep(0)
