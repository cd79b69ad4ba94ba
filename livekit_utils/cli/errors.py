"""Errors that a command reports in one line."""

from __future__ import annotations

from typing import Any


class CliError(Exception):
    """An error that the user can correct.

    It ends the command with `error: …` on stderr and exit code 1. Only `--debug` shows its traceback.
    """


def printable(text: str) -> str:
    """Returns a text on one line that is safe for a terminal: line feeds, escapes and broken UTF-8, which the name of a
    file may contain, are escaped."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def describe(error: Exception) -> str:
    """Returns the line that reports an error."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return printable(where + error.strerror)
    return printable(str(error))


def usage_error(error: Any) -> str | None:
    """Returns the line that reports a call that no command understands; None if the error is to be shown as it is: as
    the help, where nothing was called."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return None
    param = getattr(error, "param", None)
    if type(error).__name__ == "BadParameter" and param is not None:
        name = max(param.opts, key=len) if param.param_type_name == "option" else param.make_metavar(error.ctx)
        text = f"{name}: {error.message}"
    else:
        text = error.format_message()
    command = f"{error.ctx.command_path} --help" if error.ctx is not None else "--help"
    return printable(f"{' '.join(text.split()).rstrip('.')}; see {command}")
