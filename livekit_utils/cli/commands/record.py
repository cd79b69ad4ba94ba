"""Implements the command `livekit-utils record`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_writer import AudioWriter, shortened
from livekit_utils.cli.interruption import Interruption, run
from livekit_utils.cli.microphone import open_microphone
from livekit_utils.cli.options import DeviceOption, ForceOption, JsonOption, OutputArgument, ProcessingOption
from livekit_utils.cli.sound_devices import logging_to
from livekit_utils.cli.view.level_bar import LevelBar
from livekit_utils.cli.view.report import print_info
from livekit_utils.cli.view.summary import Summary


def record(
    output: OutputArgument,
    seconds: Annotated[
        float | None, typer.Option(min=0.01, help="The length; until Ctrl-C if not given.", show_default=False)
    ] = None,
    device: DeviceOption = None,
    rate: Annotated[int, typer.Option(help="Hz.")] = 48000,
    channels: Annotated[int, typer.Option(help="1 or more.")] = 1,
    processing: ProcessingOption = True,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Record a microphone.

    Noise and hum are removed and the volume is levelled, unless --no-processing is given. Ctrl-C ends the recording and
    saves it. If the device is lost, the recording continues when the device comes back.
    """
    if channels < 1:
        raise CliError(f"--channels: expected at least 1, got {channels}")
    try:
        samples_per_channel = 0 if seconds is None else max(1, round(seconds * rate))
    except OverflowError:
        raise CliError(f"--seconds: expected a length, got {seconds}; omit it to record until Ctrl-C") from None
    console = Console(stderr=True)
    with (
        AudioWriter(output, rate, channels, samples_per_channel, replace=force) as writer,
        logging_to(console),
        Interruption() as interruption,
    ):
        track = Summary(output.name, rate, channels, 0, format=writer.format, subtype=writer.subtype)
        max_samples = samples_per_channel or writer.max_samples_per_channel
        run(_record, writer, track, max_samples, device, processing, console, interruption)
        track.samples_per_channel = writer.samples_per_channel
        writer.commit()
        print_info([track], as_json=json)


async def _record(
    writer: AudioWriter,
    track: Summary,
    samples_per_channel: int,
    device: str | None,
    processing: bool,
    console: Console,
    interruption: Interruption,
) -> None:
    rate, channels = track.sample_rate, track.num_channels
    async with open_microphone(device, rate, channels, processing, console, interruption) as microphone:
        with LevelBar(f"recording {microphone.capture.device}", console) as bar:
            async for frame in microphone.frames():
                bar.show(microphone.trouble)
                if frame is None:
                    continue
                missing = samples_per_channel - writer.samples_per_channel
                frame = shortened(frame, missing)
                writer.write(frame)
                track.add_frame(frame)
                bar.add(frame)
                if writer.samples_per_channel == samples_per_channel:
                    break
