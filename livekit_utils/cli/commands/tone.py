"""Implements the command `livekit-utils tone`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.interruption import run
from livekit_utils.cli.numbers import Frequency, Number, Seconds
from livekit_utils.cli.options import (
    combined,
    dark_option,
    encoding_option,
    force_option,
    json_option,
    plot_option,
    rate_option,
    takes_output,
)
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.signals.sine_wave import sine_wave_generator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from livekit_utils.frames.audio_frame import AudioFrame

EXAMPLES = (
    "livekit-utils tone 440 2 beep.wav",
    "livekit-utils tone 1k 10 - --rate 16k | livekit-utils info -",
)


@click.command()
@click.argument("freq", metavar="FREQ", type=Frequency(20, 20_000))
@click.argument("seconds", metavar="SECONDS", type=Seconds(above=True))
@takes_output
@combined(
    rate_option("Hz, 1000 or more, as 16k.", least=1000, default=48000, show_default=True),
    click.option(
        "--amplitude",
        type=Number(0, 1),
        metavar="A",
        default=0.3,
        show_default=True,
        help="From 0 to 1, which is full scale.",
    ),
    encoding_option,
    plot_option,
    dark_option,
    json_option,
    force_option,
)
def tone(
    freq: float,
    seconds: float,
    output: Path,
    rate: int,
    amplitude: float,
    encoding: str | None,
    plot: Path | None,
    dark: bool,
    json: bool,
    force: bool,
) -> None:
    """Write a mono file with a sine wave of FREQ Hz, from 20 to 20000 and below half the rate."""
    if freq >= rate / 2:
        raise CliError(f"FREQ: expected below {rate / 2:g} Hz, half of --rate, got {freq:g}")
    wave = sine_wave_generator(freq, seconds, rate, amplitude)
    samples_per_channel = round(seconds * rate)
    with Production(
        ProductionOrder(output, force, plot, json, output_form(output, encoding=encoding), dark),
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
