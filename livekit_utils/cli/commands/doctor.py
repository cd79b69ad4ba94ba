"""Implements the command `livekit-utils doctor`."""

from __future__ import annotations

from typing import Any

import click

from livekit_utils.cli.options import json_option

EXAMPLES = ("livekit-utils doctor", "livekit-utils doctor --json > doctor.json")


@click.command()
@json_option
def doctor(**options: Any) -> None:
    """Show what a report about a problem needs, and what to do next.

    Versions, the instructions of the processor that are used, extras, the sound server and the sound devices. Nothing
    is played, recorded or sent; the devices are listed in a process of their own, with a limit of time.
    """
    from livekit_utils.cli.examination import show_examination

    show_examination(**options)
