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
from livekit_utils.files.wav import find_wav, is_wav

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
        if head.startswith(_AU):
            contents.warnings += _missing_in_au(scanner)
        return contents
    if head.startswith(_MATROSKA) or head[4:8] == _MP4 or first_frame(scanner, start) is None:
        raise ForeignFileError(f"{EXPECTED}, got something else (it starts with {scanner.at(0, 12)!r})")
    return find_mpeg(scanner, start)


def _missing_in_au(scanner: ByteScanner) -> list[str]:
    """Returns a warning if an AU file has less sound than its header says; libsndfile reads what there is."""
    head = scanner.at(0, 12)
    order: Literal["big", "little"] = "big" if head.startswith(b".snd") else "little"
    start, told = int.from_bytes(head[4:8], order), int.from_bytes(head[8:12], order)
    got = max(0, scanner.size - start)
    if told == _AU_SIZE_UNKNOWN or told <= got:
        return []
    return [f"expected {told} bytes of sound, as its header says, got {got}, which are read"]
