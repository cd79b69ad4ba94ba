"""Checks the container of a sound file before it is decoded.

libsndfile reads a WAV or Ogg file that was cut off as a shorter one, without an error.
"""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

from livekit_utils.cli.errors import CliError

_SIGNATURES = {b"RIFF": "WAV", b"RIFX": "WAV", b"RF64": "WAV", b"fLaC": "FLAC", b"OggS": "OGG", b"ID3": "MP3"}

# Bytes. A WAV file that was written to a pipe has this size or more, because the encoder cannot go back to fill in the
# real one: ffmpeg writes 0xFFFFFFFF, SoX 0x7FFFF000 or more.
_UNKNOWN_SIZE = 0x7FFFF000

# Bytes of an Ogg page: the header, the table of up to 255 segments, and segments of up to 255 bytes.
_OGG_HEADER = 27
_OGG_MAX_PAGE = _OGG_HEADER + 255 + 255 * 255


def check_container(file: BinaryIO, name: str) -> bool:
    """Refuses files that are no sound files, and those that were cut off.

    Args:
        file: Open for reading, seekable.
        name: The name for errors.

    Returns:
        Whether the file is an unfinished WAV: its header says that it is empty, but it is not.

    Raises:
        CliError: The file is refused.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    if not head:
        raise CliError(f"{name}: expected a WAV, FLAC, OGG or MP3 file, got an empty one")
    kind = next((kind for signature, kind in _SIGNATURES.items() if head.startswith(signature)), None)
    is_mpeg = len(head) > 1 and head[0] == 0xFF and head[1] >= 0xE0
    is_other_riff = kind == "WAV" and head[8:] != b"WAVE"
    if is_other_riff or (kind is None and not is_mpeg):
        raise CliError(f"{name}: expected a WAV, FLAC, OGG or MP3 file, got something else (it starts with {head!r})")
    if kind == "WAV":
        return _check_wav(file, name, size, head)
    if kind == "OGG":
        _check_ogg(file, name, size)
    return False


def _check_wav(file: BinaryIO, name: str, size: int, head: bytes) -> bool:
    signature = head[:4]
    order: Literal["big", "little"] = "big" if signature == b"RIFX" else "little"
    long_size = None
    position = 12
    while position + 8 <= size:
        file.seek(position)
        chunk = file.read(8)
        num_bytes = int.from_bytes(chunk[4:], order)
        position += 8
        if chunk[:4] == b"ds64" and signature == b"RF64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        if chunk[:4] == b"data":
            if num_bytes == 0xFFFFFFFF and long_size is not None:
                num_bytes = long_size
            elif num_bytes >= _UNKNOWN_SIZE:
                return False
            if num_bytes > size - position:
                raise CliError(
                    f"{name}: cut off: expected {num_bytes} bytes of sound, as its header says, got {size - position}"
                )
            return num_bytes == 0 and size > position and int.from_bytes(head[4:8], order) + 8 < size
        position += num_bytes + num_bytes % 2
    raise CliError(f"{name}: cut off: expected a WAV file with a data chunk, got none in {size} bytes")


def _check_ogg(file: BinaryIO, name: str, size: int) -> None:
    start = max(0, size - _OGG_MAX_PAGE)
    file.seek(start)
    tail = file.read()
    position = tail.rfind(b"OggS")
    page = tail[position:] if position >= 0 else b""
    num_segments = page[_OGG_HEADER - 1] if len(page) >= _OGG_HEADER else 0
    expected = _OGG_HEADER + num_segments + sum(page[_OGG_HEADER : _OGG_HEADER + num_segments])
    if len(page) < expected:
        raise CliError(f"{name}: cut off: expected {expected} bytes of its last Ogg page, got {len(page)}")
