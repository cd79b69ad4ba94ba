"""CliError: what the user can put right, in one line."""

from __future__ import annotations


class CliError(Exception):
    """Ends a command with `error: …` on stderr and exit code 1; a traceback comes only with `--debug`."""


def printable(text: str) -> str:
    """The text on one line and safe for a terminal: a file's name may hold line feeds, escapes, broken UTF-8."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def describe(error: Exception) -> str:
    """The one line for an error."""
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename is not None else ""
        return printable(where + error.strerror)
    return printable(str(error))
