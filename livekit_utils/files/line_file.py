"""LineFile: a text file beside a recording, which is made when it gets its first line."""

from __future__ import annotations

import errno
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
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))

    def clear(self) -> None:
        """Removes the file that was there before, if there was one."""
        self._path.unlink(missing_ok=True)

    def append(self, line: str) -> None:
        """Writes a line.

        Raises:
            OSError: The disk is full, or gone.
        """
        with self._path.open("a" if self._begun else "w", encoding="utf-8") as file:
            self._begun = True
            file.write(line + "\n")
