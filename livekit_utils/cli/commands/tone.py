"""Implements the command `livekit-utils tone`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.numbers import Frequency, Number, Seconds
from livekit_utils.cli.options import (
    combined,
    dark_option,
    encoding_option,
    force_option,
    json_option,
    plot_option,
    rate_option,
    takes_output,
)

EXAMPLES = (
    "livekit-utils tone 440 2 beep.wav",
    "livekit-utils tone 1k 10 - --rate 16k | livekit-utils info -",
)


@click.command()
@click.argument("freq", metavar="FREQ", type=Frequency(20, 20_000))
@click.argument("seconds", metavar="SECONDS", type=Seconds(above=True))
@takes_output
@combined(
    rate_option("Hz, 1000 or more, as 16k.", least=1000, default=48000, show_default=True),
    click.option(
        "--amplitude",
        type=Number(0, 1),
        metavar="A",
        default=0.3,
        show_default=True,
        help="From 0 to 1, which is full scale.",
    ),
    encoding_option,
    plot_option,
    dark_option,
    json_option,
    force_option,
)
def tone(**options: Any) -> None:
    """Write a mono file with a sine wave of FREQ Hz, from 20 to 20000 and below half the rate."""
    from livekit_utils.cli.tone_file import write_tone

    write_tone(**options)
