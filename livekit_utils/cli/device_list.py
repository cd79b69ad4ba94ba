"""Lists sound devices, for the command `devices`."""

from __future__ import annotations

import json as json_module
from typing import Any

import click

from livekit_utils.cli.sound_devices import installed
from livekit_utils.cli.view.table import print_table


def show_devices(json: bool) -> None:
    """Prints the microphones and speakers. The arguments are those of the command.

    Raises:
        CliError: The devices cannot be listed.
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
