"""Implements the command `livekit-utils play`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import combined, damaged_option, device_option, files_argument, gain_option, raw_option

EXAMPLES = (
    "livekit-utils play speech.wav music.flac --gain music=-12dB",
    "livekit-utils tone 440 2 - | livekit-utils play -",
)


@click.command()
@files_argument
@combined(device_option, gain_option, damaged_option, raw_option)
def play(**options: Any) -> None:
    """Play sound files on a speaker, all at the same time.

    If the device is lost, playing continues when the device comes back. Ctrl-C stops with a short fade.
    """
    from livekit_utils.cli.playing import play_files

    play_files(**options)
