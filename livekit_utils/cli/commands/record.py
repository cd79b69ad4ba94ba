"""Implements the command `livekit-utils record`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from livekit_utils.cli.errors import CliError, describe
from livekit_utils.cli.interruption import Interruption, run
from livekit_utils.cli.options import DeviceOption, ForceOption, JsonOption, OutputArgument, ProcessingOption
from livekit_utils.cli.recording import Recording
from livekit_utils.cli.sound_devices import logging_to
from livekit_utils.cli.view.report import print_info
from livekit_utils.cli.view.summary import Summary
from livekit_utils.files.recording_file import RecordingFile

if TYPE_CHECKING:
    from collections.abc import Iterator


def record(
    output: OutputArgument,
    seconds: Annotated[
        float | None, typer.Option(min=0.01, help="The length; until Ctrl-C if not given.", show_default=False)
    ] = None,
    device: DeviceOption = None,
    rate: Annotated[int, typer.Option(help="Hz.")] = 48000,
    channels: Annotated[int, typer.Option(help="1 or more.")] = 1,
    processing: ProcessingOption = True,
    gaps: Annotated[
        bool, typer.Option("--gaps/--no-gaps", help="Write silence for the time in which the device was away.")
    ] = True,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Record a microphone.

    Noise and hum are removed and the volume is levelled, unless --no-processing is given. Ctrl-C ends the recording. If
    the device is lost, the recording continues when the device comes back; silence is written for the time between.
    Whatever ends the recording, what was recorded is in the file.
    """
    if channels < 1:
        raise CliError(f"--channels: expected at least 1, got {channels}")
    try:
        samples_per_channel = 0 if seconds is None else max(1, round(seconds * rate))
    except OverflowError:
        raise CliError(f"--seconds: expected a length, got {seconds}; omit it to record until Ctrl-C") from None
    console = Console(stderr=True)
    with (
        _recording(output, rate, channels, force) as file,
        logging_to(console),
        Interruption() as interruption,
    ):
        track = Summary(output.name, rate, channels, 0, format=file.format, subtype=file.subtype)
        recording = Recording(file, track, samples_per_channel, gaps)
        run(recording.run, device, processing, console, interruption)
        _close(file)
        track.samples_per_channel = file.samples_per_channel
        print_info([track], as_json=json)


@contextmanager
def _recording(path: Path, rate: int, channels: int, force: bool) -> Iterator[RecordingFile]:
    """Opens the file, and closes it whatever happens."""
    # The rate may be none that a file can have; then the microphone's error is the better one.
    try:
        file = RecordingFile(path, rate, channels, overwrite=force)
    except FileExistsError:
        raise CliError(f"{path}: expected a new file, but it exists; --force replaces it") from None
    except (FileNotFoundError, NotADirectoryError):
        directory = Path(os.path.realpath(path)).parent
        raise CliError(f"{path}: expected an existing directory to write to, got {directory}") from None
    except ValueError as error:
        raise CliError(f"{path}: {str(error).removeprefix('file: ')}") from error
    try:
        yield file
    except BaseException as error:
        try:
            file.close()
        except OSError as second:
            error.add_note(describe(second))
        raise


def _close(file: RecordingFile) -> None:
    try:
        file.close()
    except OSError as error:
        raise CliError(f"{describe(error)}; what was recorded until then is kept") from error
    if file.samples_per_channel == 0:
        raise CliError(f"{file.path}: nothing was recorded, and there is no file")
