"""Records microphones, for the command `record`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError, describe
from livekit_utils.cli.interruption import Interruption, run
from livekit_utils.cli.recording import Recording, explained, kept, nothing_in
from livekit_utils.cli.sides import Sides
from livekit_utils.cli.sound_devices import logging_to
from livekit_utils.cli.view.report import print_info
from livekit_utils.cli.view.summary import Summary, whole_path
from livekit_utils.files.recording_file import RecordingFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Hz, of a Recorder.
_MAX_RATE_OF_SIDES = 192_000


def record_microphones(
    output: Path,
    seconds: float | None,
    device: Sequence[str],
    rate: int,
    channels: int | None,
    processing: bool,
    gaps: bool,
    json: bool,
    force: bool,
) -> None:
    """Records until it is interrupted, or for some seconds, and prints the report.

    The arguments are those of the command.

    Raises:
        CliError, OSError: There is no such device, or the file cannot be written.
    """
    devices: list[str | None] = [*device] if device else [None]
    num_channels = _find_channels(channels, len(devices))
    if len(devices) > 1 and not gaps:
        raise CliError("--no-gaps: expected one device, because several are on one clock, got several")
    if len(devices) > 1 and rate > _MAX_RATE_OF_SIDES:
        raise CliError(f"--rate: expected at most {_MAX_RATE_OF_SIDES} Hz of several devices, got {rate}")
    samples_per_channel = 0 if seconds is None else max(1, round(seconds * rate))
    from rich.console import Console

    console = Console(stderr=True)
    track = Summary(output.name, rate, num_channels, 0)
    track.path = whole_path(output)
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
