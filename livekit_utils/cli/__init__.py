"""The command line `livekit-utils`."""

from __future__ import annotations

import contextlib
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from livekit_utils import __version__
from livekit_utils.cli.commands.batch import batch
from livekit_utils.cli.commands.convert import convert, resample
from livekit_utils.cli.commands.devices import devices
from livekit_utils.cli.commands.info import info
from livekit_utils.cli.commands.meter import meter
from livekit_utils.cli.commands.mix import mix
from livekit_utils.cli.commands.play import play
from livekit_utils.cli.commands.record import record
from livekit_utils.cli.commands.tone import tone
from livekit_utils.cli.errors import CliError, describe

__all__ = ["app"]


class _Commands(TyperGroup):
    """Reports the errors that a user can correct in one line, for all commands."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            with contextlib.suppress(OSError):  # the terminal may be gone
                typer.echo("interrupted", err=True)
            raise typer.Exit(130) from None
        except BrokenPipeError:
            raise
        except (CliError, OSError) as error:
            if ctx.params["debug"]:
                raise
            for line in (describe(error), *getattr(error, "__notes__", ())):
                typer.echo(f"error: {line}", err=True)
            raise typer.Exit(1) from None


app = typer.Typer(
    name="livekit-utils",
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"livekit-utils {__version__}")
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Mix, convert, measure, generate, record and play sound.

    Files are streamed: memory use does not grow with their length. An output file appears only when it is complete, and
    replaces an existing file only with --force. "-" is standard input or, as WAV or --raw, standard output. These are
    read and written as they come, so that commands can be joined by pipes; of other formats, standard input is read to
    its end first, and so it is for --normalize, --trim, --plot, --encoding and play.

    Exit codes: 0 success, 1 error, 2 wrong usage, 130 interrupted or terminated, by SIGINT, SIGTERM, SIGHUP or SIGQUIT.
    """


app.command()(mix)
app.command()(convert)
app.command()(resample)
app.command()(batch)
app.command()(tone)
app.command()(info)
app.command()(devices)
app.command()(record)
app.command()(play)
app.command()(meter)
