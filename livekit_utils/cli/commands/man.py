"""Implements the command `livekit-utils man`."""

from __future__ import annotations

import inspect

import click

from livekit_utils import __version__

EXAMPLES = (
    "livekit-utils man > ~/.local/share/man/man1/livekit-utils.1",
    "livekit-utils man | man -l -",
)


@click.command()
@click.pass_context
def man(context: click.Context) -> None:
    """Print the manual page of all commands, made of what --help shows."""
    root = context.find_root()
    group = root.command
    assert isinstance(group, click.Group)
    lines = [f'.TH LIVEKIT-UTILS 1 "" "livekit-utils {__version__}" "User Commands"', ".SH NAME"]
    lines += [_escaped(f"livekit-utils - {group.get_short_help_str(200)}"), ".SH SYNOPSIS"]
    lines += [".B livekit-utils", _escaped("[OPTIONS] COMMAND [ARGS]..."), ".SH DESCRIPTION", *_paragraphs(group)]
    lines += [".SH OPTIONS", *_options(group, root), ".SH COMMANDS"]
    for name in group.list_commands(root):
        command = group.get_command(root, name)
        assert command is not None  # it is in the list
        inner = click.Context(command, root, name)
        usage = " ".join(command.collect_usage_pieces(inner))
        lines += [f".SS {name}", f".B livekit-utils {name}", _escaped(usage), *_paragraphs(command)]
        lines += _options(command, inner)
        examples = (command.epilog or "").splitlines()[2:]
        lines += [".PP", "Examples:", ".nf", *(_escaped(line) for line in examples), ".fi"]
    click.echo("\n".join(lines))


def _paragraphs(command: click.Command) -> list[str]:
    lines = []
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        lines += [".PP", *map(_escaped, paragraph.splitlines())]
    return lines


def _options(command: click.Command, context: click.Context) -> list[str]:
    lines = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            lines += [".TP", f".B {_escaped(record[0])}", _escaped(record[1])]
    return lines


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("-", "\\-")
    return f"\\&{text}" if text.startswith((".", "'")) else text
