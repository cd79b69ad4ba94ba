"""LineFile: a text file beside a recording, which is made when it gets its first line."""

from __future__ import annotations

import os
from pathlib import Path


class LineFile:
    """Appends lines to a file.

    Args:
        path: The file.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: The file exists.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._begun = False
        if not overwrite and os.path.lexists(path):
            raise FileExistsError(17, "File exists", str(path))

    def append(self, line: str) -> None:
        """Writes a line.

        Raises:
            OSError: The disk is full, or gone.
        """
        with self._path.open("a" if self._begun else "w", encoding="utf-8") as file:
            self._begun = True
            file.write(line + "\n")
