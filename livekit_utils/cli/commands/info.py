"""Implements the command `livekit-utils info`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import (
    combined,
    damaged_option,
    dark_option,
    files_argument,
    force_option,
    json_option,
    plot_option,
    raw_option,
)

EXAMPLES = (
    "livekit-utils info call.wav music.flac",
    "livekit-utils info call.wav --speech --plot call.png",
    "livekit-utils info *.wav --json",
)


@click.command()
@files_argument
@combined(
    click.option("--speech", is_flag=True, help="Tell where somebody speaks, in seconds."),
    plot_option,
    dark_option,
    damaged_option,
    raw_option,
    json_option,
    force_option,
)
def info(**options: Any) -> None:
    """Show the rate, channels, length and levels of sound files. Each file is read to its end.

    Peak: 0 dBFS is full scale, a sample of -32768; floats and lossy formats may be above it. RMS: 0 dBFS is a
    full-scale square wave, so that a full-scale sine wave has -3 dBFS. Both cover all channels.

    Loudness, its range and the true peak are those of ITU-R BS.1770 and EBU R 128, at rates from 8000 to 384000 Hz.
    Five channels are L R C Ls Rs, six are L R C LFE Ls Rs. Less than 400 ms has a loudness of -inf.

    Files that cannot be read are reported as errors after the others.
    """
    from livekit_utils.cli.file_info import show_info

    show_info(**options)
