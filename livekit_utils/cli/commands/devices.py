"""Implements the command `livekit-utils devices`."""

from __future__ import annotations

import json as json_module
from typing import Any

import typer
from rich.table import Table
from rich.text import Text

from livekit_utils.cli.errors import printable
from livekit_utils.cli.options import JsonOption
from livekit_utils.cli.sound_devices import installed
from livekit_utils.cli.view.report import new_console


def devices(json: JsonOption = False) -> None:
    """List microphones and speakers.

    An asterisk marks the default devices. On Linux, sound servers report e.g. 32 channels at 44100 Hz for every device
    and convert internally.
    """
    from livekit_utils.devices.media_devices import MediaDevices

    with installed():
        machine = MediaDevices()
        inputs, outputs = machine.list_input_devices(), machine.list_output_devices()
    if json:
        typer.echo(json_module.dumps({"inputs": inputs, "outputs": outputs}))
        return
    table = Table("", "index", "name", "channels", "rate", "host API", box=None, pad_edge=False)
    for side, listed in (("in", inputs), ("out", outputs)):
        for device in listed:
            table.add_row(*_cells(side, device))
    console = new_console()
    if inputs or outputs:
        console.print(table)
    else:
        console.print("no sound devices")


def _cells(side: str, device: dict[str, Any]) -> tuple[str | Text, ...]:
    return (
        side + ("*" if device["is_default"] else ""),
        str(device["index"]),
        Text(printable(device["name"])),  # in a str, rich would look for [markup]
        str(device["channels"]),
        f"{device['sample_rate']:.0f} Hz",
        device["host_api"],
    )
