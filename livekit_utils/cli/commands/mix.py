"""livekit-utils mix"""

from __future__ import annotations

import asyncio
import math
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.mixing import make_mixer, parse_gains
from livekit_utils.cli.options import ForceOption, JsonOption, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit_utils.frames.audio_frame import AudioFrame
    from livekit_utils.mixing.audio_mixer import AudioMixer


def mix(
    inputs: Annotated[list[Path], typer.Argument(metavar="IN...", help="WAV, FLAC, OGG or MP3.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="OUT", help="WAV, FLAC or OGG, by its suffix.")],
    rate: Annotated[int | None, typer.Option(help="Hz; the highest of the inputs by default.")] = None,
    channels: Annotated[int | None, typer.Option(help="The most of the inputs by default.")] = None,
    gain: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=dB", help="For the input of this path, file name, or file name without suffix."),
    ] = None,
    plot: PlotOption = None,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Mix sound files into one: their exact sum, saturated once.

    Inputs of other rates are converted. Mono goes to all channels, many channels are averaged to mono; any other
    change of channels is refused. The mix is as long as the longest input.
    """
    gains_db = parse_gains(gain or [], inputs)
    with ExitStack() as stack:
        readers = [stack.enter_context(AudioReader(path)) for path in inputs]
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
                num_frames=max(_converted_length(reader, rate) for reader in readers),
                gains_db=gains_db,
            )
        )
        asyncio.run(_run(mixer, production))
        report = production.finish()
    report.print(as_json=json, clipping_hint="lower the inputs with --gain NAME=dB")


def _converted_length(reader: AudioReader, rate: int) -> int:
    return round(Fraction(reader.num_frames * rate, reader.sample_rate))


async def _run(mixer: AudioMixer, production: Production) -> None:
    failures: list[Exception] = []
    async with mixer:
        for index, track in enumerate(production.inputs):
            gain = 1.0 if track.gain_db == 0 else math.pow(10, track.gain_db / 20)
            mixer.add_stream(_stream(production, index, failures), gain=gain, name=f"{index}: {track.name}")
        mixer.end_input()
        async for frame in mixer:
            if failures:
                break
            production.write(frame)
    if failures:
        raise failures[0]


async def _stream(production: Production, index: int, failures: list[Exception]) -> AsyncIterator[AudioFrame]:
    # The mixer would log an error and go on without this input; here the whole mix has failed.
    try:
        for frame in production.read(index):
            yield frame
    except Exception as error:
        failures.append(error)
