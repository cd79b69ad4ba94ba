"""The command line `livekit-utils`."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from livekit_utils import __version__
from livekit_utils.cli.errors import CliError, describe, usage_error

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["app"]

# The module in `commands` of each command, in the order of the help. It has a click.Command of that name, and EXAMPLES,
# with which the help ends. A command is imported when it is called.
COMMANDS = {
    "mix": "mix",
    "convert": "convert",
    "resample": "convert",
    "batch": "batch",
    "info": "info",
    "tone": "tone",
    "play": "play",
    "record": "record",
    "meter": "meter",
    "devices": "devices",
    "doctor": "doctor",
    "completion": "completion",
    "man": "man",
}


class _Commands(click.Group):
    """Imports a command when it is called, and reports the errors that a user can correct in one line."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return _load(cmd_name) if cmd_name in COMMANDS else None

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        with _in_one_line(debug=False):
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _in_one_line(debug=ctx.params["debug"]):
            return super().invoke(ctx)


@contextlib.contextmanager
def _in_one_line(*, debug: bool) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        with contextlib.suppress(OSError):  # the terminal may be gone
            click.echo("interrupted", err=True)
        raise click.exceptions.Exit(130) from None
    except BrokenPipeError:
        raise
    except click.UsageError as error:
        text = usage_error(error)
        if text is None:
            raise
        click.echo(f"error: {text}", err=True)
        raise click.exceptions.Exit(2) from None
    except (CliError, OSError) as error:
        if debug:
            raise
        for line in (describe(error), *getattr(error, "__notes__", ())):
            click.echo(f"error: {line}", err=True)
        raise click.exceptions.Exit(1) from None


def _load(name: str) -> click.Command:
    module = import_module(f"{__name__}.commands.{COMMANDS[name]}")
    command: click.Command = getattr(module, name)
    examples = [line for line in module.EXAMPLES if f"livekit-utils {name}" in line]
    command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in examples)])
    return command


@click.group("livekit-utils", cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the tracebacks of errors.")
@click.version_option(__version__, message="livekit-utils %(version)s")
def app(debug: bool) -> None:
    """Mix, convert, measure, generate, record and play sound.

    Files are streamed: memory use does not grow with their length. An output file appears only when it is complete, and
    replaces an existing file only with --force. "-" is standard input or, as WAV or --raw, standard output. These are
    read and written as they come, so that commands can be joined by pipes; of other formats, standard input is read to
    its end first, and so it is for --normalize, --trim, --plot and --encoding.

    Exit codes: 0 success, 1 error, 2 wrong usage, 130 interrupted or terminated, by SIGINT, SIGTERM, SIGHUP or SIGQUIT.
    """
