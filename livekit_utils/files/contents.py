"""Finds the sounds in a file.

libsndfile reads the first of several joined sounds only, and takes what a header says for what is there. Here the
containers are looked at; libsndfile decodes what is found.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

from livekit_utils.files.byte_ranges import RangeList
from livekit_utils.files.byte_scanner import ByteScanner
from livekit_utils.files.errors import ForeignFileError, SoundFileError
from livekit_utils.files.flac import find_flac
from livekit_utils.files.mpeg import find_mpeg, first_frame, skip_tags
from livekit_utils.files.ogg import find_ogg
from livekit_utils.files.part import Contents, Part
from livekit_utils.files.wav import UNKNOWN_SIZE, find_wav, is_wav

EXPECTED = "expected a WAV, FLAC, OGG or MP3 file"

# AIFF and SVX, AU in both orders, CAF, Wave64, and the rare ones: AVR, NIST, PAF, PVF, VOC, WVE, XI, MAT5, IRCAM, SDS.
# libsndfile reads them as they are.
_WHOLE = (
    *(b"FORM", b".snd", b"dns.", b"caff", b"riff"),
    *(b"2BIT", b"NIST_1A", b" paf", b"fap ", b"PVF1\n", b"Creative Voi", b"ALawSoundFil", b"Extended Ins"),
    *(b"MATLAB 5.0 M", b"\x64\xa3\x01\x00", b"\x64\xa3\x02\x00", b"\x64\xa3\x03\x00", b"\xf0\x7e\x00\x01"),
)

_AU = (b".snd", b"dns.")
_AU_SIZE_UNKNOWN = 0xFFFFFFFF

# Bytes: what no file has.
_UNKNOWN_LONG_SIZE = 1 << 62

# Bytes.
_CAF_HEADER, _CAF_CHUNK_HEADER = 8, 12
_MAX_CAF_CHUNKS = 1000

# Matroska and WebM; MP4 has its mark after 4 bytes. Frames of MP3 may lie in them.
_MATROSKA, _MP4 = b"\x1aE\xdf\xa3", b"ftyp"


def find_contents(file: BinaryIO) -> Contents:
    """Returns the sounds in a seekable file.

    Raises:
        SoundFileError: It is no sound file, or was cut off in its header.
        OSError: It cannot be read.
    """
    size = file.seek(0, os.SEEK_END)
    if not size:
        raise SoundFileError(f"{EXPECTED}, got an empty one")
    contents = _find(ByteScanner(file, size))
    if not contents.parts:
        raise SoundFileError(next(iter(contents.damages), f"cut off: expected sound, got none in {size} bytes"))
    return contents


def _find(scanner: ByteScanner) -> Contents:
    start = skip_tags(scanner, 0)
    head = scanner.at(start, 12)
    if head.startswith(b"OggS"):
        return find_ogg(scanner, start)
    if head.startswith(b"fLaC"):
        return find_flac(scanner, start)
    if is_wav(head):
        return find_wav(scanner, start)
    if head.startswith(_WHOLE):
        contents = Contents()
        contents.add(Part(RangeList().add(0, scanner.size)))
        start, end = _told_range(scanner)
        if end is not None and end > scanner.size:
            what = "bytes of sound" if start else "bytes"
            got = max(0, scanner.size - start)
            contents.warnings.append(f"expected {end - start} {what}, as its header says, got {got}, which are read")
        return contents
    if head.startswith(_MATROSKA) or head[4:8] == _MP4 or first_frame(scanner, start) is None:
        raise ForeignFileError(f"{EXPECTED}, got something else (it starts with {scanner.at(0, 12)!r})")
    return find_mpeg(scanner, start)


def _told_range(scanner: ByteScanner) -> tuple[int, int | None]:
    """Returns where the sound of such a file begins, or 0, and where the file ends, by its header; None if that does
    not tell. libsndfile reads what there is, and says nothing."""
    head = scanner.at(0, 24)
    if head.startswith(_AU):
        order: Literal["big", "little"] = "big" if head.startswith(b".snd") else "little"
        start, told = int.from_bytes(head[4:8], order), int.from_bytes(head[8:12], order)
        return start, None if told == _AU_SIZE_UNKNOWN else start + told
    if head.startswith(b"FORM"):
        size = int.from_bytes(head[4:8], "big")
        return 0, None if size >= UNKNOWN_SIZE else 8 + size
    if head.startswith(b"riff"):
        size = int.from_bytes(head[16:24], "little")
        return 0, None if size >= _UNKNOWN_LONG_SIZE else size
    return 0, _end_of_caf(scanner) if head.startswith(b"caff") else None


def _end_of_caf(scanner: ByteScanner) -> int | None:
    position = _CAF_HEADER
    for _ in range(_MAX_CAF_CHUNKS):
        chunk = scanner.at(position, _CAF_CHUNK_HEADER)
        if len(chunk) < _CAF_CHUNK_HEADER:
            break
        num_bytes = int.from_bytes(chunk[4:], "big", signed=True)
        position += _CAF_CHUNK_HEADER + num_bytes
        if chunk.startswith(b"data"):
            return None if num_bytes < 0 else position  # -1: up to the end
        if num_bytes < 0:
            break
    return None
