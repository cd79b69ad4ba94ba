"""Implements the command `livekit-utils completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from livekit_utils.cli.options import Word

EXAMPLES = (
    "livekit-utils completion bash > ~/.local/share/bash-completion/completions/livekit-utils",
    "livekit-utils completion fish > ~/.config/fish/completions/livekit-utils.fish",
)


@click.command()
@click.argument("shell", type=Word(("bash", "zsh", "fish")), metavar="SHELL")
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what lets a shell complete commands, options and file names."""
    kind = get_completion_class(shell)
    assert kind is not None  # click has these three
    click.echo(kind(context.find_root().command, {}, "livekit-utils", "_LIVEKIT_UTILS_COMPLETE").source())
