"""Implements the command `livekit-utils mix`."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.interruption import run
from livekit_utils.cli.mixing import add_files, make_mixer, parse_gains
from livekit_utils.cli.options import DamagedOption, ForceOption, GainOption, InputsArgument, JsonOption, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder

if TYPE_CHECKING:
    from livekit_utils.mixing.audio_mixer import AudioMixer


def mix(
    inputs: InputsArgument,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="The suffix selects WAV, FLAC or OGG.")],
    rate: Annotated[int | None, typer.Option(help="Hz; by default the highest rate of the inputs.")] = None,
    channels: Annotated[int | None, typer.Option(help="By default the highest number of the inputs.")] = None,
    gain: GainOption = None,
    plot: PlotOption = None,
    damaged: DamagedOption = False,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Mix sound files into one: their exact sum, saturated once.

    Inputs of other rates are converted. Mono is copied to all channels, and several channels are averaged to mono;
    any other change of channels is an error. The mix is as long as the longest input.
    """
    gains_db = parse_gains(gain or [], inputs)
    with ExitStack() as stack:
        readers = [stack.enter_context(AudioReader(path, damaged=damaged)) for path in inputs]
        if rate is None:
            rate = max(reader.sample_rate for reader in readers)
        if channels is None:
            channels = max(reader.num_channels for reader in readers)
        mixer = make_mixer(readers, rate, channels)
        production = stack.enter_context(
            Production(
                ProductionOrder(output, force, plot, json),
                readers,
                sample_rate=rate,
                num_channels=channels,
                samples_per_channel=max(reader.length_at(rate) for reader in readers),
                gains_db=gains_db,
            )
        )
        run(_run, mixer, production)
        report = production.finish()
    report.print(as_json=json, clipping_hint="lower the inputs with --gain NAME=dB")


async def _run(mixer: AudioMixer, production: Production) -> None:
    async with mixer:
        failures = add_files(
            mixer,
            ((track, production.read(index)) for index, track in enumerate(production.inputs)),
        )
        async for frame in mixer:
            if failures:
                break
            production.write(frame)
    if failures:
        raise failures[0]
