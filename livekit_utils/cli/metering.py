"""Shows the level of a microphone, for the command `meter`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.cli.interruption import Interruption, run
from livekit_utils.cli.microphone import open_microphone
from livekit_utils.cli.sound_devices import logging_to
from livekit_utils.cli.view.level_bar import LevelBar

if TYPE_CHECKING:
    from rich.console import Console

    from livekit_utils.devices.input_capture import InputCapture


def show_levels(device: str | None, seconds: float | None, processing: bool) -> None:
    """Shows the level until it is interrupted, or for some seconds. The arguments are those of the command.

    Raises:
        CliError: There is no such device.
    """
    from rich.console import Console

    console = Console(stderr=True)
    with logging_to(console), Interruption() as interruption:
        run(_show, device, seconds, processing, console, interruption)


async def _show(
    device: str | None, seconds: float | None, processing: bool, console: Console, interruption: Interruption
) -> None:
    samples_per_channel = 0
    async with open_microphone(device, 48000, 1, processing, console, interruption) as microphone:
        # The bar and the log share a console, so that log lines appear above the bar.
        with LevelBar(microphone.capture.device, console, lines=True) as bar:
            async for frame in microphone.frames():
                if frame is not None:
                    bar.add(frame)
                    samples_per_channel += frame.samples_per_channel
                bar.show(lambda: _stages(microphone.capture))
                if seconds is not None and samples_per_channel >= seconds * 48000:
                    break


def _stages(capture: InputCapture) -> str:
    """Returns the state of the device and of each stage of processing."""
    notes = [capture.state.value]
    if capture.apm is None:
        notes.append("no processing")
    else:
        stats = capture.apm.stats()
        notes.append(f"raw {stats.input_level_dbfs:.0f} dBFS  processed {stats.output_level_dbfs:.0f} dBFS")
        if stats.speech_probability is not None:
            notes.append(f"speech {stats.speech_probability:.0%}")
        notes.append(f"gain {stats.gain_db:+.0f} dB")
    dropped_ms = capture.stats().dropped_ms
    if dropped_ms:
        notes.append(f"dropped {dropped_ms:.0f} ms")
    return "  ".join(notes)
