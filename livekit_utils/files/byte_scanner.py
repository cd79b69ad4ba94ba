"""ByteScanner looks at the bytes of a file, few at a time, in memory of a fixed size."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import re

_WINDOW = 1 << 18


class ByteScanner:
    """Reads bytes at any position of a seekable file, as it was when the scanner was made.

    Args:
        file: Open for reading, seekable.
        size: Bytes of the file. What is appended to it later is not seen.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self._file = file
        self._start = 0
        self._window = b""

    def until(self, end: int) -> ByteScanner:
        """Returns a scanner of the file up to a position."""
        return ByteScanner(self._file, min(end, self.size))

    def at(self, position: int, num_bytes: int) -> bytes:
        """Returns bytes from a position on; fewer at the end of the file."""
        offset = position - self._start
        if offset < 0 or offset + num_bytes > len(self._window):
            num_wanted = max(0, min(max(num_bytes, _WINDOW), self.size - position))
            self._file.seek(position)
            self._start, self._window = position, self._file.read(num_wanted)
            offset = 0
        return self._window[offset : offset + num_bytes]

    def search(self, pattern: re.Pattern[bytes], start: int, end: int, length: int) -> int | None:
        """Returns the position of the first match of a pattern of `length` bytes that lies in `start` to `end`."""
        while start + length <= end:
            num_held = self._start + len(self._window) - start if start >= self._start else 0
            part = self.at(start, num_held if num_held >= length else _WINDOW)[: end - start]
            if found := pattern.search(part):
                return start + found.start()
            if len(part) < length:
                break
            start += len(part) - length + 1
        return None
