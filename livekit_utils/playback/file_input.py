"""FileInput is a file as one decoder of FFmpeg reads it."""

from __future__ import annotations

import io
from typing import BinaryIO


class FileInput:
    """Reads a file from a place of its own, so that several decoders share one open file.

    FFmpeg takes an error of the file for its end. The error is kept here.

    Args:
        file: Open for reading in binary, seekable.

    Threads: the inputs of one file are for one thread at a time.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0
        self.error: BaseException | None = None

    def read(self, num_bytes: int) -> bytes:
        """Returns the next bytes; none at the end, and after an error."""
        if self.error is not None:
            return b""
        try:
            self._file.seek(self._place)
            data = self._file.read(num_bytes) or b""
        except BaseException as error:  # FFmpeg cannot carry it; who decodes raises it
            self.error = error
            return b""
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Goes to another place, and returns it."""
        if whence == io.SEEK_CUR:
            offset += self._place
        elif whence == io.SEEK_END:
            offset = self._file.seek(offset, io.SEEK_END)
        self._place = max(offset, 0)
        return self._place

    def tell(self) -> int:
        """Returns the place."""
        return self._place
