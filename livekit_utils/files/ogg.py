"""Finds the sounds in an Ogg file: one link of its chain after the other, without the pages of other streams.

A link begins with the first pages of all its streams, which have a mark. The pages of its streams follow, mixed.
"""

from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING, BinaryIO

from livekit_utils.files.byte_ranges import RangeList
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.part import Contents, Part

if TYPE_CHECKING:
    from livekit_utils.files.byte_scanner import ByteScanner

_PAGE = re.compile(rb"OggS\x00", re.DOTALL)
_HEADER_BYTES = 27
_IS_FIRST, _IS_LAST = 2, 4

# How the first packet of a stream begins that libsndfile can decode.
_CODECS = (b"\x01vorbis", b"OpusHead", b"\x7fFLAC", b"Speex   ")

# zlib's CRC takes the bits of each byte from the lowest on, Ogg's (RFC 3533, section 6) from the highest on.
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CRC_AT = 22

# Gaps between the pages of a file. More are no recording, and looking for each takes time.
_MAX_GAPS = 1_000


class _Link:
    """Collects the pages of one link."""

    def __init__(self) -> None:
        self.serial: int | None = None
        """Of the stream that is decoded."""
        self.is_begun = False
        """Whether pages that are not the first of their stream have come."""
        self.is_ended = False
        self.ranges = RangeList()


def find_ogg(scanner: ByteScanner, start: int) -> Contents:
    """Returns the sounds of an Ogg file that begins at `start`.

    Raises:
        SoundFileError: It has none that libsndfile can decode, or is full of gaps.
    """
    contents = Contents()
    link = _Link()
    position = start
    num_gaps = num_pages = num_damaged = 0
    while position < scanner.size:
        header = scanner.at(position, _HEADER_BYTES + 255)
        if not header.startswith(b"OggS\x00"):
            num_gaps += 1
            if num_gaps > _MAX_GAPS:
                raise SoundFileError("damaged: most of it is no Ogg")
            following = scanner.search(_PAGE, position, scanner.size, 5)
            if following is None:
                _check_rest(scanner, position, contents)
                break
            link.ranges.add(position, following - position)  # so that the decoder sees that something is missing
            position = following
            continue
        num_segments = header[_HEADER_BYTES - 1] if len(header) >= _HEADER_BYTES else 0
        data_at = _HEADER_BYTES + num_segments
        num_bytes = data_at + sum(header[_HEADER_BYTES:data_at])
        if position + num_bytes > scanner.size:
            got = scanner.size - position
            contents.damages.append(f"cut off: expected {num_bytes} bytes of its last Ogg page, got {got}")
            break
        flags, serial = header[5], int.from_bytes(header[14:18], "little")
        if flags & _IS_FIRST:
            if link.is_begun:
                _finish(link, contents)
                link = _Link()
            if link.serial is None and scanner.at(position + data_at, 8).startswith(_CODECS):
                link.serial = serial
        else:
            link.is_begun = True
        if serial == link.serial:
            num_pages += 1
            num_damaged += not _is_intact(scanner.at(position, num_bytes))
            link.ranges.add(position, num_bytes)
            link.is_ended = bool(flags & _IS_LAST)
        position += num_bytes
    _finish(link, contents)
    if num_damaged:
        contents.damages.append(f"damaged: {num_damaged} of its {num_pages} Ogg pages, whose sound is lost")
    if not contents.parts and not contents.damages:
        raise SoundFileError("expected Ogg with Vorbis, Opus, FLAC or Speex, got none of them")
    return contents


def page_crc(page: bytes) -> int:
    """Returns the CRC that a page should have: with 0 in its own place, from 0, without an inversion."""
    zeroed = page[:_CRC_AT] + bytes(4) + page[_CRC_AT + 4 :]
    reversed_crc = zlib.crc32(zeroed.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{reversed_crc:032b}"[::-1], 2)


def _is_intact(page: bytes) -> bool:
    return page_crc(page) == int.from_bytes(page[_CRC_AT : _CRC_AT + 4], "little")


def _finish(link: _Link, contents: Contents) -> None:
    if link.serial is None:
        return
    contents.add(Part(link.ranges))
    if not link.is_ended and not contents.damages:
        number = f"sound {len(contents.parts)} of it" if len(contents.parts) > 1 else "it"
        contents.warnings.append(f"{number} ends without an end-of-stream page, and may have been cut off")


def set_serial(file: BinaryIO, serial: int) -> None:
    """Gives all pages of an Ogg file with one stream another serial number, in place. Encoders choose it at random.

    Args:
        file: Open for reading and writing in binary; whole pages, one after the other.
        serial: 32 bits.
    """
    position = 0
    while len(header := _at(file, position, _HEADER_BYTES)) == _HEADER_BYTES:
        lacing = file.read(header[_HEADER_BYTES - 1])
        page = header[:14] + serial.to_bytes(4, "little") + header[18:] + lacing + file.read(sum(lacing))
        file.seek(position)
        file.write(page[:_CRC_AT] + page_crc(page).to_bytes(4, "little"))
        position += len(page)


def _at(file: BinaryIO, position: int, num_bytes: int) -> bytes:
    file.seek(position)
    return file.read(num_bytes)


def _check_rest(scanner: ByteScanner, position: int, contents: Contents) -> None:
    """Looks at what follows the last page."""
    rest = scanner.at(position, _HEADER_BYTES)
    if len(rest) < _HEADER_BYTES and b"OggS".startswith(rest[:4]):
        expected = f"expected at least {_HEADER_BYTES} bytes of its last Ogg page"
        contents.damages.append(f"cut off: {expected}, got {len(rest)}")
    else:
        contents.warnings.append(f"the last {scanner.size - position} bytes are no Ogg, and left out")
