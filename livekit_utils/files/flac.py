"""Finds the sounds in a FLAC file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from livekit_utils.files.byte_ranges import RangeList
from livekit_utils.files.part import Contents, Part

if TYPE_CHECKING:
    from livekit_utils.files.byte_scanner import ByteScanner

# The marker and the header of the first block, which is always a STREAMINFO of 34 bytes.
_BEGINNING = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22", re.DOTALL)
_BEGINNING_BYTES = 8

# From the marker on: the length, of 36 bits.
_LENGTH_AT = 21


def find_flac(scanner: ByteScanner, start: int) -> Contents:
    """Returns the sounds of a FLAC file that begins at `start`; one follows the other where files were joined."""
    contents = Contents()
    while start < scanner.size:
        following = scanner.search(_BEGINNING, start + _BEGINNING_BYTES, scanner.size, _BEGINNING_BYTES)
        end = scanner.size if following is None else following
        length = int.from_bytes(scanner.at(start + _LENGTH_AT, 5), "big") & (2**36 - 1)
        contents.add(Part(RangeList().add(start, end - start), tells_length=length > 0))
        start = end
    return contents
