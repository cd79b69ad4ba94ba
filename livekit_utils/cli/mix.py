"""livekit-utils mix"""

from __future__ import annotations

import asyncio
import math
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livekit_utils.audio_mixer import AudioMixer
from livekit_utils.cli.audio_reader import AudioReader
from livekit_utils.cli.errors import CliError
from livekit_utils.cli.options import ForceOption, JsonOption, PlotOption
from livekit_utils.cli.production import Production, ProductionOrder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from livekit_utils.audio_frame import AudioFrame

# A disk may be slow; a file is never late.
_NEVER_LATE_MS = 1e9

_MIN_GAIN_DB = -120.0
_MAX_GAIN_DB = 40.0


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
    gains_db = _parse_gains(gain or [], inputs)
    with ExitStack() as stack:
        readers = [stack.enter_context(AudioReader(path)) for path in inputs]
        if rate is None:
            rate = max(reader.sample_rate for reader in readers)
        if channels is None:
            channels = max(reader.num_channels for reader in readers)
        mixer = _make_mixer(readers, rate, channels)
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


def _make_mixer(readers: Sequence[AudioReader], rate: int, channels: int) -> AudioMixer:
    try:
        mixer = AudioMixer(rate, channels, stream_timeout_ms=_NEVER_LATE_MS)
    except ValueError as error:
        raise CliError(str(error)) from error
    for reader in readers:
        if reader.num_channels != channels and 1 not in (reader.num_channels, channels):
            raise CliError(f"{reader.path}: expected 1 or {channels} channels to mix to {channels}, "
                           f"got {reader.num_channels}; --channels 1 takes any number")  # fmt: skip
        if max(reader.sample_rate, rate) > 256 * min(reader.sample_rate, rate):
            raise CliError(f"{reader.path}: expected a sample rate within a factor of 256 of {rate} Hz, "
                           f"got {reader.sample_rate} Hz")  # fmt: skip
    return mixer


def _converted_length(reader: AudioReader, rate: int) -> int:
    return round(Fraction(reader.num_frames * rate, reader.sample_rate))


def _parse_gains(options: Sequence[str], inputs: Sequence[Path]) -> list[float]:
    gains: dict[int, float] = {}
    for option in options:
        name, equals, number = option.rpartition("=")
        if not equals:
            raise CliError(f"--gain: expected NAME=dB, got {option!r}")
        try:
            gain = float(number)
        except ValueError:
            raise CliError(f"--gain {name}: expected a number of decibels, got {number!r}") from None
        if not _MIN_GAIN_DB <= gain <= _MAX_GAIN_DB:
            raise CliError(f"--gain {name}: expected {_MIN_GAIN_DB:.0f} to {_MAX_GAIN_DB:.0f} dB, got {number}")
        index = _find_input(name, inputs)
        if index in gains:
            raise CliError(f"--gain {name}: expected one gain for {inputs[index]}, got two")
        gains[index] = gain
    return [gains.get(index, 0.0) for index in range(len(inputs))]


def _find_input(name: str, inputs: Sequence[Path]) -> int:
    for names in ([str(path) for path in inputs], [path.name for path in inputs], [path.stem for path in inputs]):
        if names.count(name) > 1:
            found = ", ".join(str(path) for path, other in zip(inputs, names, strict=True) if other == name)
            raise CliError(f"--gain {name}: expected the name of one input, got that of {found}")
        if name in names:
            return names.index(name)
    known = ", ".join(path.name for path in inputs)
    raise CliError(f"--gain {name}: expected the name of an input ({known}), got {name!r}")


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
