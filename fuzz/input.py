"""Input: random bytes, taken apart into arguments."""

from __future__ import annotations

from array import array
from typing import Any

# Around every limit that a size, a rate or a count may have.
_EDGES = (-(2**63) - 1, -(2**63), -(2**31), -1, 0, 1, 2**15, 2**16, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64)


class Input:
    """Takes arguments from random bytes, in order; zeros follow behind the last byte."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def below(self, limit: int) -> int:
        """An integer from 0 to limit - 1, for limits up to 65536."""
        return int.from_bytes(self.take(2), "little") % limit

    def take(self, num_bytes: int) -> bytes:
        """The next bytes, fewer than num_bytes at the end."""
        taken = self._data[self._position : self._position + num_bytes]
        self._position += len(taken)
        return taken

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.take(len(self._data))

    def integer(self, usual: int) -> int:
        """Mostly an integer from 0 to usual - 1, else one at the edge of a C type."""
        kind = self.below(8)
        return _EDGES[self.below(len(_EDGES))] if kind == 0 else self.below(usual)

    def argument(self, usual: int) -> Any:
        """Mostly an integer, else something that a caller may pass by mistake."""
        if self.below(16):
            return self.integer(usual)
        return (None, "1", 1.5, float("nan"), True, b"1", object())[self.below(7)]

    def buffer(self) -> Any:
        """Bytes in one of the shapes that a caller may hand them over in, some of them wrong."""
        data = self.take(self.below(600))
        match self.below(10):
            case 0:
                return bytearray(data)
            case 1:
                return memoryview(b"\0" + data)[1:]
            case 2:
                return memoryview(data)[:: 1 + self.below(3)]
            case 3:
                return array("h", data[: len(data) // 2 * 2])
            case 4:
                whole = data[: len(data) // 8 * 8]
                format: Any = "hHiIfdqQbB"[self.below(10)]
                return memoryview(whole).cast(format)
            case 5:
                whole = data[: len(data) // 4 * 4]
                return memoryview(whole).cast("B").cast("h", (len(whole) // 4, 2)) if whole else whole
            case 6:
                return (None, 1, "text", [1, 2], object())[self.below(5)]
            case _:
                return data
