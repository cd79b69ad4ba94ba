"""Implements the command `livekit-utils record`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import (
    channels_option,
    combined,
    devices_option,
    force_option,
    json_option,
    processing_option,
    rate_option,
    seconds_option,
    takes_output,
)

EXAMPLES = (
    "livekit-utils record memo.flac",
    "livekit-utils record call.wav --device Headset --device Desk --seconds 60",
)


@click.command()
@takes_output
@combined(
    seconds_option("The length; until Ctrl-C if not given.", least=0.01),
    devices_option,
    rate_option("Hz, from 8000 to 384000, as 16k.", least=8000, most=384_000, default=48000, show_default=True),
    channels_option("By default 1. Of several devices: one each, which is the default, or 1 for their mix."),
    processing_option,
    click.option("--gaps/--no-gaps", default=True, help="Write silence for the time in which the device was away."),
    json_option,
    force_option,
)
def record(**options: Any) -> None:
    """Record a microphone, or several on one clock.

    Noise and hum are removed and the volume is levelled, unless --no-processing is given. Ctrl-C ends the recording. If
    the device is lost, the recording continues when the device comes back; silence is written for the time between.
    Whatever ends the recording, what was recorded is in the file.

    With --device several times, each device has a channel of its own: of two, the first is on the left and the second
    on the right.
    """
    from livekit_utils.cli.microphone_recording import record_microphones

    record_microphones(**options)
