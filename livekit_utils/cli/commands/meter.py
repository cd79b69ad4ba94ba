"""Implements the command `livekit-utils meter`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import combined, device_option, processing_option, seconds_option

EXAMPLES = ("livekit-utils meter --device Headset",)


@click.command()
@combined(device_option, seconds_option("The duration; until Ctrl-C if not given.", least=0.1), processing_option)
def meter(**options: Any) -> None:
    """Show the level of a microphone live, before and after processing.

    A terminal shows a bar; other outputs get a line each second. If the device is lost, the meter continues when the
    device comes back.
    """
    from livekit_utils.cli.metering import show_levels

    show_levels(**options)
