"""Implements the commands `livekit-utils convert` and `livekit-utils resample`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import (
    channels_option,
    choice_option,
    combined,
    damaged_option,
    dark_option,
    encoding_option,
    end_option,
    force_option,
    gain_option,
    input_argument,
    json_option,
    normalize_option,
    pick_option,
    plot_option,
    quality_option,
    rate_option,
    raw_option,
    start_option,
    takes_output,
    trim_option,
)

# What `AudioResampler` takes as `engine`.
ENGINES = ("auto", "polyphase", "samplerate")

EXAMPLES = (
    "livekit-utils convert call.wav call.flac --rate 16k --channels 1",
    "livekit-utils convert call.wav caller.wav --pick 0 --start 12.5 --end 60 --normalize=-1dB",
    "livekit-utils convert line.ulaw line.wav --raw ulaw:8k",
    "livekit-utils resample music.flac music.opus --rate 48k --quality high",
)


_OPTIONS = combined(
    quality_option("very_high"),
    choice_option("--engine", ENGINES, "auto", "auto takes the faster filter banks where they cover the rates."),
    channels_option(),
    pick_option,
    start_option,
    end_option,
    trim_option,
    gain_option,
    normalize_option,
    plot_option,
    dark_option,
    damaged_option,
    raw_option,
    encoding_option,
    json_option,
    force_option,
)


@click.command()
@input_argument
@takes_output
@rate_option("Hz, as 16k, within a factor of 256 of the input's rate.", required=True)
@_OPTIONS
def resample(**options: Any) -> None:
    """Convert a sound file to another sample rate: `convert`, with a rate that must be given."""
    from livekit_utils.cli.file_conversion import convert_file

    convert_file(**options)


@click.command()
@input_argument
@takes_output
@rate_option("Hz, as 16k, within a factor of 256 of the input's rate, which is the default.")
@_OPTIONS
def convert(**options: Any) -> None:
    """Convert a sound file: its format, encoding, sample rate, channels, part or level.

    What is not named stays as it is.

    With --normalize, one gain brings the whole to a peak or to a loudness (ITU-R BS.1770, EBU R 128). Where a loudness
    would bring the true peak above -1 dBTP, the gain is lower, and the report says by how much. What is below -70 LUFS
    or shorter than 400 ms has no loudness, and stays as it is.
    """
    from livekit_utils.cli.file_conversion import convert_file

    convert_file(**options)
