"""livekit-utils record"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.audio_writer import AudioWriter
from livekit_utils.cli.interruption import Interruption
from livekit_utils.cli.microphone import open_microphone
from livekit_utils.cli.options import DeviceOption, ForceOption, JsonOption, ProcessingOption
from livekit_utils.cli.sound_devices import logging_to
from livekit_utils.cli.view.level_bar import LevelBar
from livekit_utils.cli.view.report import print_info
from livekit_utils.cli.view.summary import Summary


def record(
    output: Annotated[Path, typer.Argument(metavar="OUT", help="WAV, FLAC or OGG, by its suffix.", show_default=False)],
    seconds: Annotated[
        float | None, typer.Option(min=0.01, help="Length; without it, until Ctrl-C.", show_default=False)
    ] = None,
    device: DeviceOption = None,
    rate: Annotated[int, typer.Option(help="Hz.")] = 48000,
    channels: Annotated[int, typer.Option(help="From 1.")] = 1,
    processing: ProcessingOption = True,
    json: JsonOption = False,
    force: ForceOption = False,
) -> None:
    """Record a microphone.

    Noise and hum are taken out and the level evened, unless --no-processing. Ctrl-C ends the recording, and the file is
    whole. If the device is lost, the recording goes on when it comes back.
    """
    if channels < 1:
        raise CliError(f"--channels: expected at least 1, got {channels}")
    try:
        num_frames = 0 if seconds is None else max(1, round(seconds * rate))
    except OverflowError:
        raise CliError(f"--seconds: expected a length, got {seconds}; without it, until Ctrl-C") from None
    console = Console(stderr=True)
    with (
        AudioWriter(output, rate, channels, num_frames, replace=force) as writer,
        logging_to(console),
        Interruption() as interruption,
    ):
        track = Summary(output.name, rate, channels, 0, format=writer.format, subtype=writer.subtype)
        asyncio.run(_record(writer, track, num_frames or writer.max_frames, device, processing, console, interruption))
        track.num_frames = writer.num_frames
        writer.commit()
        print_info([track], as_json=json)


async def _record(
    writer: AudioWriter,
    track: Summary,
    num_frames: int,
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
                missing = num_frames - writer.num_frames
                if frame.samples_per_channel > missing:
                    samples = frame.data[: missing * frame.num_channels]
                    frame = type(frame)(samples, frame.sample_rate, frame.num_channels, missing)
                writer.write(frame)
                track.add(frame)
                bar.add(frame)
                if writer.num_frames == num_frames:
                    break
