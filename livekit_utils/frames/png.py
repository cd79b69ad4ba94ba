"""png_of writes a picture as PNG, with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["png_of"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# 8 bits for each of red, green and blue; the one compression, filter method and order of rows that are usual.
_RGB = (8, 2, 0, 0, 0)

# Each value is stored as the difference to that of the pixel on its left, which compresses photographs to some 60 %.
_SUB = 1


def png_of(pixels: NDArray[Any]) -> bytes:
    """Returns the file of a picture, uint8 of shape (height, width, 3)."""
    import numpy as np

    height, width, _ = pixels.shape
    rows = np.empty((height, 1 + 3 * width), np.uint8)
    rows[:, 0] = _SUB
    values = rows[:, 1:]
    values[:] = pixels.reshape(height, -1)
    values[:, 3:] -= pixels[:, :-1].reshape(height, -1)
    header = struct.pack(">II5B", width, height, *_RGB)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows.data)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
