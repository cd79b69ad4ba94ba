"""Whether a library is all there."""

from __future__ import annotations

import os
import struct

# By the class byte of the header: the rest of the header up to the entry size and count of the segments; of a segment
# its type, offset and size in the file.
_HEADERS = {1: ("16xHHIIIIIHHH", "IIIIIIII", (0, 1, 4)), 2: ("16xHHIQQQIHHH", "IIQQQQQQ", (0, 2, 5))}
_LOADED = 1


def is_cut_off(path: str) -> bool:
    """Whether an ELF file ends before what it wants to have loaded, as after a download that broke off. The system maps
    it all the same, and the process dies of a bus error when it looks there. Other files are whole for all we know."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        start = file.read(64)
        if start[:4] != b"\x7fELF" or len(start) < 64 or start[4] not in _HEADERS or start[5] not in (1, 2):
            return False
        header, segment, places = _HEADERS[start[4]]
        order = "<" if start[5] == 1 else ">"
        values = struct.unpack_from(order + header, start)
        table, num_bytes, count = values[4], values[8], values[9]
        if num_bytes != struct.calcsize(order + segment):
            return False
        file.seek(min(table, size))
        segments = file.read(num_bytes * count)
    if len(segments) < num_bytes * count:
        return True
    for item in struct.iter_unpack(order + segment, segments):
        kind, offset, length = (item[place] for place in places)
        if kind == _LOADED and offset + length > size:
            return True
    return False
