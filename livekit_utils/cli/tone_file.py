"""Writes a sine wave, for the command `tone`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.output_form import output_form
from livekit_utils.cli.interruption import run
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.signals.sine_wave import sine_wave_generator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from livekit_utils.frames.audio_frame import AudioFrame


def write_tone(
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
    """Writes the file, and prints the report. The arguments are those of the command.

    Raises:
        CliError, OSError: The frequency is too high for the rate, or the file cannot be written.
    """
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
