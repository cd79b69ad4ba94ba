"""Implements the command `livekit-utils record`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from livekit_utils.cli.errors import CliError, describe
from livekit_utils.cli.interruption import Interruption, run
from livekit_utils.cli.options import DevicesOption, ForceOption, JsonOption, OutputArgument, ProcessingOption
from livekit_utils.cli.recording import Recording, explained, kept, nothing_in
from livekit_utils.cli.sides import Sides
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
    device: DevicesOption = None,
    rate: Annotated[int, typer.Option(help="Hz.")] = 48000,
    channels: Annotated[
        int | None,
        typer.Option(
            help="1 or more, by default 1. Of several devices: one each, which is the default, or 1 for their mix.",
            show_default=False,
        ),
    ] = None,
    processing: ProcessingOption = True,
    gaps: Annotated[
        bool, typer.Option("--gaps/--no-gaps", help="Write silence for the time in which the device was away.")
    ] = True,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Record a microphone, or several on one clock.

    Noise and hum are removed and the volume is levelled, unless --no-processing is given. Ctrl-C ends the recording. If
    the device is lost, the recording continues when the device comes back; silence is written for the time between.
    Whatever ends the recording, what was recorded is in the file.

    With --device several times, each device has a channel of its own: of two, the first is on the left and the second
    on the right.
    """
    devices: list[str | None] = [*device] if device else [None]
    num_channels = _find_channels(channels, len(devices))
    if len(devices) > 1 and not gaps:
        raise CliError("--no-gaps: expected one device, because several are on one clock, got several")
    try:
        samples_per_channel = 0 if seconds is None else max(1, round(seconds * rate))
    except OverflowError:
        raise CliError(f"--seconds: expected a length, got {seconds}; omit it to record until Ctrl-C") from None
    console = Console(stderr=True)
    track = Summary(output.name, rate, num_channels, 0)
    with logging_to(console), Interruption() as interruption:
        if len(devices) > 1:
            length_s = samples_per_channel / rate if samples_per_channel else None
            run(Sides(output, track, length_s, force).run, devices, processing, console, interruption)
        else:
            with _open(output, rate, num_channels, force) as file:
                track.format, track.subtype = file.format, file.subtype
                recording = Recording(file, track, samples_per_channel, gaps)
                run(recording.run, devices[0], processing, console, interruption)
                with kept():
                    file.close()
            track.samples_per_channel = file.samples_per_channel
        if track.samples_per_channel == 0:
            raise CliError(nothing_in(output))
        print_info([track], as_json=json)


def _find_channels(channels: int | None, num_devices: int) -> int:
    """Returns the channels of the file."""
    if channels is None:
        return num_devices
    if num_devices > 1 and channels not in (1, num_devices):
        raise CliError(f"--channels: expected {num_devices}, one for each device, or 1 for their mix, got {channels}")
    if channels < 1:
        raise CliError(f"--channels: expected at least 1, got {channels}")
    return channels


@contextmanager
def _open(path: Path, rate: int, channels: int, force: bool) -> Iterator[RecordingFile]:
    """Opens the file, and closes it whatever happens."""
    # The rate may be none that a file can have; then the microphone's error is the better one.
    with explained(path):
        file = RecordingFile(path, rate, channels, overwrite=force)
    try:
        yield file
    except BaseException as error:
        try:
            file.close()
        except OSError as second:
            error.add_note(describe(second))
        raise
