"""ByteRanges shows parts of a file as one file, for a decoder."""

from __future__ import annotations

import io
import os
from array import array
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from typing import Self


_ZEROS_AT_END = 128


class RangeList:
    """Holds the places of bytes in a file, in order: a few bytes each, because a file may have very many.

    Args:
        head: Bytes that come before all others, and are not in the file.
    """

    def __init__(self, head: bytes = b"") -> None:
        self.head = head
        self.claimed_size = 0
        """What the file says that it is long, if more than `size`. At the very end zeros can be read, where decoders
        look for tags; the bytes before are an end of the file, too."""
        self.starts = array("q")
        """Where each range starts in the file."""
        self.ends = array("q")
        """Where each range ends, in bytes from the end of the head."""

    def add(self, start: int, num_bytes: int) -> Self:
        """Appends a range. One that follows the last in the file makes that longer."""
        if num_bytes <= 0:
            return self
        first = self.ends[-2] if len(self.ends) > 1 else 0
        if self.starts and self.starts[-1] + self.ends[-1] - first == start:
            self.ends[-1] += num_bytes
        else:
            self.starts.append(start)
            self.ends.append(num_bytes + (self.ends[-1] if self.ends else 0))
        return self

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self.head) + (self.ends[-1] if self.ends else 0)


class ByteRanges(io.RawIOBase):
    """Reads ranges of a file as if they were one file.

    An OSError is kept in `error`, because libsndfile's callbacks cannot pass it on; it looks like the end of the file.
    """

    def __init__(self, file: BinaryIO, ranges: RangeList) -> None:
        super().__init__()
        self.error: OSError | None = None
        self._file = file
        self._ranges = ranges
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {
            os.SEEK_SET: 0,
            os.SEEK_CUR: self._position,
            os.SEEK_END: max(self._ranges.size, self._ranges.claimed_size),
        }[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        num_read = 0
        try:
            while num_read < len(view) and (part := self._read(len(view) - num_read)):
                view[num_read : num_read + len(part)] = part
                num_read += len(part)
        except OSError as error:
            self.error = error
        return num_read

    def _read(self, num_bytes: int) -> bytes:
        ranges = self._ranges
        offset = self._position - len(ranges.head)
        if offset < 0:
            part = ranges.head[self._position : self._position + num_bytes]
        else:
            index = bisect_right(ranges.ends, offset)
            if index == len(ranges.ends):
                num_left = ranges.claimed_size - self._position
                return bytes(min(num_bytes, num_left)) if 0 < num_left <= _ZEROS_AT_END else b""
            self._file.seek(ranges.starts[index] + offset - (ranges.ends[index - 1] if index else 0))
            part = self._file.read(min(num_bytes, ranges.ends[index] - offset))
        self._position += len(part)
        return part
