"""GrowingFile: a file that is written to its end, and keeps only whole pieces when the disk is full."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class GrowingFile:
    """Writes a file under its own name from the first byte on. Nothing is changed before that byte.

    Args:
        path: The file. A symbolic link stays one.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: The file exists.
        ValueError: There is a directory, a pipe or a device of that name.
        OSError: The file cannot be written to.

    Threads: for one thread at a time.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self.path = path
        resolved = os.path.realpath(path)
        self._is_new = True
        try:
            self._raw = open(resolved, "xb+", buffering=0)  # noqa: SIM115
        except FileExistsError as error:
            if not stat.S_ISREG(os.stat(resolved).st_mode):
                raise ValueError(f"file: expected the name of a file, got a directory or a device: {path}") from None
            if not overwrite:
                error.filename = str(path)
                raise
            self._is_new = False
            self._raw = open(resolved, "rb+", buffering=0)  # noqa: SIM115
        self.size = 0
        """Bytes that were written."""

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Writes all of `data` behind what is there.

        Raises:
            OSError: Less could be written; `size` says how much there is.
        """
        if self.size == 0 and not self._is_new:
            self._raw.truncate(0)
        view = memoryview(data)
        while view.nbytes:
            num_written = self._raw.write(view)
            if not num_written:  # None: a file that does not block has no room
                raise OSError("the file takes no more")
            self.size += num_written
            view = view[num_written:]

    def rewrite(self, position: int, data: bytes) -> None:
        """Writes over bytes that are there."""
        self._raw.seek(position)
        try:
            self._raw.write(data)
        finally:
            self._raw.seek(self.size)

    def read(self, position: int, num_bytes: int) -> bytes:
        """Returns bytes that are there."""
        self._raw.seek(position)
        try:
            return self._raw.read(num_bytes) or b""
        finally:
            self._raw.seek(self.size)

    def go_back(self, size: int) -> None:
        """Has the next bytes written behind the first `size` ones, over what is there."""
        self._raw.seek(size)
        self.size = size

    def cut(self, size: int) -> None:
        """Removes what lies behind the first `size` bytes."""
        self._raw.truncate(size)
        self.size = size
        self._raw.seek(size)

    def sync(self) -> None:
        """Has the system write everything to the disk; blocks meanwhile."""
        os.fsync(self._raw.fileno())

    def fileno(self) -> int:
        """Returns the descriptor, for locks and the like."""
        return self._raw.fileno()

    def close(self) -> None:
        """Closes the file; a new one that got no byte is removed."""
        if self._raw.closed:
            return
        try:
            self._raw.close()
        finally:
            if self.size == 0 and self._is_new:
                os.unlink(os.path.realpath(self.path))
