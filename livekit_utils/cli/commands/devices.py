"""Implements the command `livekit-utils devices`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import json_option

EXAMPLES = (
    "livekit-utils devices",
    "livekit-utils devices --json",
)


@click.command()
@json_option
def devices(**options: Any) -> None:
    """List microphones and speakers.

    An asterisk marks the default devices. On Linux, sound servers report e.g. 32 channels at 44100 Hz for every device
    and convert internally.
    """
    from livekit_utils.cli.device_list import show_devices

    show_devices(**options)
