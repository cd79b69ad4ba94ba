"""Implements the command `livekit-utils mix`."""

from __future__ import annotations

import functools
import itertools
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.cli.files.audio_reader import AudioReader
from livekit_utils.cli.files.standard_streams import check_inputs
from livekit_utils.cli.interruption import run
from livekit_utils.cli.mixing import add_files, make_mixer, parse_gains, parse_offsets, waited_for
from livekit_utils.cli.options import DamagedOption, ForceOption, GainOption, InputsArgument, JsonOption, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from livekit_utils.mixing.audio_mixer import AudioMixer


def mix(
    inputs: InputsArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="OUT", help="The suffix selects WAV, FLAC or OGG; - is standard output."
        ),
    ],
    rate: Annotated[int | None, typer.Option(help="Hz; by default the highest rate of the inputs.")] = None,
    channels: Annotated[int | None, typer.Option(help="By default the highest number of the inputs.")] = None,
    gain: GainOption = None,
    offset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=SECONDS", help="Lets this input begin later, so many seconds into the mix."),
    ] = None,
    plot: PlotOption = None,
    damaged: DamagedOption = False,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Mix sound files into one: their exact sum, saturated once.

    Inputs of other rates are converted. Mono is copied to all channels, and several channels are averaged to mono;
    any other change of channels is an error. The mix ends with the input that ends last.
    """
    check_inputs(inputs)
    gains_db = parse_gains(gain or [], inputs)
    offsets = parse_offsets(offset or [], inputs)
    with ExitStack() as stack:
        readers = [stack.enter_context(AudioReader(path, damaged=damaged, whole=plot is not None)) for path in inputs]
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
                find_length=functools.partial(_find_length, rate, readers, offsets),
                gains_db=gains_db,
            )
        )
        frames: list[Iterator[AudioFrame] | AsyncIterator[AudioFrame]] = []
        for index, (reader, offset_s) in enumerate(zip(readers, offsets, strict=True)):
            of_one = itertools.chain(_silence(reader, offset_s), production.read(index))
            frames.append(waited_for(of_one, reader.interrupt) if reader.is_live else of_one)
        run(_run, mixer, production, frames)
        report = production.finish()
    report.print(as_json=json, clipping_hint="lower the inputs with --gain NAME=dB")


def _find_length(rate: int, readers: Sequence[AudioReader], offsets: Sequence[float]) -> int | None:
    """Returns the samples per channel of the mix; None as long as one of the inputs does not tell it."""
    lengths = [
        reader.length_at(rate, _num_before(reader, offset_s)) for reader, offset_s in zip(readers, offsets, strict=True)
    ]
    known = [length for length in lengths if length is not None]
    return max(known) if len(known) == len(lengths) else None


def _num_before(reader: AudioReader, offset_s: float) -> int:
    """Returns how many samples per channel of silence come before an input."""
    return round(Fraction(offset_s) * reader.sample_rate)


def _silence(reader: AudioReader, offset_s: float) -> Iterator[AudioFrame]:
    missing = _num_before(reader, offset_s)
    while missing:
        num = min(missing, max(1, reader.sample_rate // 10))
        yield AudioFrame.create(reader.sample_rate, reader.num_channels, num)
        missing -= num


async def _run(
    mixer: AudioMixer, production: Production, frames: Sequence[Iterator[AudioFrame] | AsyncIterator[AudioFrame]]
) -> None:
    async with mixer:
        failures = add_files(mixer, zip(production.inputs, frames, strict=True))
        async for frame in mixer:
            if failures:
                break
            production.write(frame)
    if failures:
        raise failures[0]
