"""Implements the command `livekit-utils devices`."""

from __future__ import annotations

import json as json_module
from typing import Any

import click

from livekit_utils.cli.options import json_option
from livekit_utils.cli.sound_devices import installed
from livekit_utils.cli.view.table import print_table

EXAMPLES = (
    "livekit-utils devices",
    "livekit-utils devices --json",
)


@click.command()
@json_option
def devices(json: bool) -> None:
    """List microphones and speakers.

    An asterisk marks the default devices. On Linux, sound servers report e.g. 32 channels at 44100 Hz for every device
    and convert internally.
    """
    from livekit_utils.devices.media_devices import MediaDevices

    with installed():
        machine = MediaDevices()
        inputs, outputs = machine.list_input_devices(), machine.list_output_devices()
    if json:
        click.echo(json_module.dumps({"inputs": inputs, "outputs": outputs}))
        return
    rows = [_cells(side, device) for side, listed in (("in", inputs), ("out", outputs)) for device in listed]
    if rows:
        print_table(("", "index", "name", "channels", "rate", "host API"), rows, left=["host API"])
    else:
        print("no sound devices")


def _cells(side: str, device: dict[str, Any]) -> tuple[str, ...]:
    return (
        side + ("*" if device["is_default"] else ""),
        str(device["index"]),
        device["name"],
        str(device["channels"]),
        f"{device['sample_rate']:.0f} Hz",
        device["host_api"],
    )
