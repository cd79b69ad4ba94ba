"""Prints rows of figures so that they can be read at any width."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import unicodedata
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

_GAP = "  "

# Where there is no terminal, a row is one line.
_ENDLESS = 1 << 30

# Narrower than this, lines cannot be wrapped sensibly.
_LEAST = 30


def width_of(file: TextIO) -> int:
    """Returns the columns of a terminal, or of COLUMNS; for anything else, more than any line has."""
    told = os.environ.get("COLUMNS", "")
    if told.isascii() and told.isdigit() and int(told[:9]) > 0:
        return max(_LEAST, int(told[:9]))
    return max(_LEAST, shutil.get_terminal_size().columns) if file.isatty() else _ENDLESS


def print_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: Sequence[str] = (), on_stderr: bool = False
) -> None:
    """Prints a table. Where its lines do not fit, each row becomes a paragraph, whose first line is the name.

    Args:
        headers: The titles of the columns. That of the marks before the name is "".
        rows: A text for each column, "" for none.
        left: The titles of columns that are aligned to the left; "" and "name" are so anyway.
        on_stderr: Whether to print on stderr instead of stdout.
    """
    file = sys.stderr if on_stderr else sys.stdout
    rows = [[printable(cell) for cell in row] for row in rows]
    shown = [index for index in range(len(headers)) if any(row[index] for row in rows)]
    headers, rows = [headers[index] for index in shown], [[row[index] for index in shown] for row in rows]
    widths = [max(map(_cells, column)) for column in zip(headers, *rows, strict=True)]
    total = sum(widths) + len(_GAP) * (len(widths) - 1)
    columns = width_of(file)
    if total > columns:
        _print_paragraphs(headers, rows, columns, file)
        return
    is_left = [header in ("", "name", *left) for header in headers]
    for line in (headers, *rows):
        cells = [_padded(cell, width, on_left) for cell, width, on_left in zip(line, widths, is_left, strict=True)]
        print(_GAP.join(cells).rstrip(), file=file)


def _print_paragraphs(headers: Sequence[str], rows: Sequence[Sequence[str]], columns: int, file: TextIO) -> None:
    for row in rows:
        title = " ".join(cell for header, cell in zip(headers, row, strict=True) if header in ("", "name") and cell)
        print(title, file=file)
        figures = [
            f"{header} {cell}".replace(" ", "\N{NO-BREAK SPACE}")
            for header, cell in zip(headers, row, strict=True)
            if header not in ("", "name") and cell
        ]
        lines = textwrap.wrap(", ".join(figures), columns, initial_indent="    ", subsequent_indent="    ",
                              break_on_hyphens=False)  # fmt: skip
        print("\n".join(lines).replace("\N{NO-BREAK SPACE}", " "), file=file)


def _cells(text: str) -> int:
    """Returns the columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _padded(text: str, width: int, on_left: bool) -> str:
    missing = " " * (width - _cells(text))
    return text + missing if on_left else missing + text
