"""livekit-utils meter"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from livekit_utils.cli.level_bar import LevelBar
from livekit_utils.cli.microphone import open_microphone
from livekit_utils.cli.options import DeviceOption, ProcessingOption
from livekit_utils.cli.sound_devices import logging_to

if TYPE_CHECKING:
    from livekit_utils.input_capture import InputCapture


def meter(
    device: DeviceOption = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long; without it, until Ctrl-C.", show_default=False)
    ] = None,
    processing: ProcessingOption = True,
) -> None:
    """Show the level of a microphone, live, and what processing does.

    On a terminal as a bar; elsewhere a line each second.
    """
    console = Console(stderr=True)
    with logging_to(console):
        asyncio.run(_show(device, seconds, processing, console))


async def _show(device: str | None, seconds: float | None, processing: bool, console: Console) -> None:
    num_frames = 0
    async with open_microphone(device, 48000, 1, processing, console) as microphone:
        with LevelBar(microphone.capture.device, Console(), lines=True) as bar:
            async for frame in microphone.frames():
                bar.add(frame, _stages(microphone.capture))
                num_frames += frame.samples_per_channel
                if seconds is not None and num_frames >= seconds * frame.sample_rate:
                    break


def _stages(capture: InputCapture) -> str:
    """The state of each stage of processing."""
    notes = []
    if not capture.state.is_running:
        notes.append(capture.state.value)
    if capture.apm is not None:
        stats = capture.apm.stats()
        notes.append(f"raw {stats.input_level_db:.0f} dB")
        if stats.speech_probability is not None:
            notes.append(f"speech {stats.speech_probability:.0%}")
        notes.append(f"gain {stats.gain_db:+.0f} dB")
    dropped_ms = capture.stats().dropped_ms
    if dropped_ms:
        notes.append(f"dropped {dropped_ms:.0f} ms")
    return "  ".join(notes)
