"""Finds the sounds in a WAV file, whatever the sizes in its header say.

Each sound gets a header that is true, because libsndfile believes what a header says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from livekit_utils.files.byte_ranges import RangeList
from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.mpeg import find_mpeg
from livekit_utils.files.part import Contents, Part

if TYPE_CHECKING:
    from livekit_utils.files.byte_scanner import ByteScanner

# Bytes. A WAV file that was written to a pipe has this size or more, because the encoder cannot go back to fill in the
# real one: ffmpeg writes 0xFFFFFFFF, SoX 0x7FFFF000 or more.
UNKNOWN_SIZE = 0x7FFFF000

_IN_DS64 = 0xFFFFFFFF
_RIFF_HEADER = 12
_CHUNK_HEADER = 8

# Codecs of PCM, float, A-law, mu-law and those of WAVE_FORMAT_EXTENSIBLE; of MS ADPCM, IMA ADPCM and GSM 06.10.
_ONE_SAMPLE_BLOCKS = (1, 3, 6, 7, 0xFFFE)
_FILLED_UP_BLOCKS = (2, 0x11, 0x31)
_MPEG = (0x50, 0x55)

# What no recording exceeds.
_MAX_CHUNKS = 10_000
MAX_FORMAT_BYTES = 4096

BEGINNING = re.compile(rb"(RIFF|RIFX|RF64)....WAVE(fmt |JUNK|junk|bext|ds64|LIST|fact)", re.DOTALL)
BEGINNING_BYTES = 16
_CHUNK = re.compile(rb"[ -~]{4}....", re.DOTALL)


def is_wav(head: bytes) -> bool:
    """Returns whether a file that begins like this is a WAV."""
    return head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"


@dataclass
class _Header:
    """What a WAV says of itself, up to its sound."""

    order: Literal["big", "little"]
    format: bytes = b""
    told_samples: int = 0
    """Samples per channel, from the fact chunk."""
    told_bytes: int = 0
    """Bytes of sound."""
    data_at: int = 0

    @property
    def num_channels(self) -> int:
        return int.from_bytes(self.format[2:4], self.order)

    @property
    def block_align(self) -> int:
        """Bytes that belong together."""
        return max(1, int.from_bytes(self.format[12:14], self.order))

    @property
    def samples_per_block(self) -> int:
        """Samples per channel of a block that is filled up."""
        return int.from_bytes(self.format[18:20], self.order)

    @property
    def tag(self) -> int:
        """The codec."""
        return int.from_bytes(self.format[:2], self.order)

    def encode(self, num_bytes: int) -> bytes:
        """Returns the header of a file with so much sound."""
        chunks = b"fmt " + len(self.format).to_bytes(4, self.order) + self.format + bytes(len(self.format) % 2)
        size = 4 + len(chunks) + _CHUNK_HEADER + num_bytes + num_bytes % 2
        if size <= 0xFFFFFFFF:
            signature = b"RIFX" if self.order == "big" else b"RIFF"
            head = signature + size.to_bytes(4, self.order) + b"WAVE" + chunks
            return head + b"data" + num_bytes.to_bytes(4, self.order)
        if self.order == "big":
            raise SoundFileError("expected at most 4 GiB of big-endian WAV, got more")
        ds64 = (size + 36).to_bytes(8, "little") + num_bytes.to_bytes(8, "little") + bytes(12)
        head = b"RF64\xff\xff\xff\xffWAVEds64" + len(ds64).to_bytes(4, "little") + ds64 + chunks
        return head + b"data\xff\xff\xff\xff"


def find_wav(scanner: ByteScanner, start: int) -> Contents:
    """Returns the sounds of a WAV file that begins at `start`; one follows the other where files were joined.

    Raises:
        SoundFileError: It has no sound, or was cut off in its header.
    """
    contents = Contents()
    following: int | None = start
    while following is not None:
        header = _read_header(scanner, following)
        if header is None:
            if contents.parts:
                contents.warnings.append(f"the last {scanner.size - following} bytes are a WAV without sound")
                break
            got = f"got none in {scanner.size} bytes"
            raise SoundFileError(f"cut off: expected a WAV file with a data chunk, {got}")
        end, following = _end_of_sound(scanner, header, contents.warnings)
        if header.tag in _MPEG:
            inside = find_mpeg(scanner.until(end), header.data_at)
            contents.warnings += inside.warnings
            for part in inside.parts:
                contents.add(part)
        else:
            contents.add(_part(header, end))
    return contents


def _read_header(scanner: ByteScanner, start: int) -> _Header | None:
    signature = scanner.at(start, 4)
    header = _Header("big" if signature == b"RIFX" else "little")
    long_size = None
    position = start + _RIFF_HEADER
    for _ in range(_MAX_CHUNKS):
        chunk = scanner.at(position, _CHUNK_HEADER)
        if len(chunk) < _CHUNK_HEADER:
            return None
        name, num_bytes = chunk[:4], int.from_bytes(chunk[4:], header.order)
        position += _CHUNK_HEADER
        if name == b"ds64" and signature == b"RF64":
            long_size = int.from_bytes(scanner.at(position + 8, 8), "little")
        elif name == b"fmt " and not header.format:
            if num_bytes > MAX_FORMAT_BYTES:
                raise SoundFileError(f"expected at most {MAX_FORMAT_BYTES} bytes of WAV format, got {num_bytes}")
            header.format = scanner.at(position, num_bytes)
        elif name == b"fact" and num_bytes >= 4:
            header.told_samples = int.from_bytes(scanner.at(position, 4), header.order)
        elif name == b"data":
            if not header.format:
                raise SoundFileError("damaged: expected the format of a WAV file before its sound, got none")
            is_long = num_bytes == _IN_DS64 and long_size is not None
            header.told_bytes = long_size if is_long and long_size is not None else num_bytes
            header.data_at = position
            return header
        position += num_bytes + num_bytes % 2
    raise SoundFileError(f"expected a sound within the first {_MAX_CHUNKS} chunks of a WAV file, got none")


def _end_of_sound(scanner: ByteScanner, header: _Header, warnings: list[str]) -> tuple[int, int | None]:
    """Returns where the sound ends, and where that of the next joined file begins."""
    told_end = header.data_at + header.told_bytes
    for position in (told_end + header.told_bytes % 2, told_end):  # some writers leave the padding out
        following = _skip_chunks(scanner, position, header.order) if told_end <= scanner.size else None
        if following is not None:
            return told_end, following if following < scanner.size else None
    # The header is wrong, or of a file that was not finished.
    beginning = scanner.search(BEGINNING, header.data_at, scanner.size, BEGINNING_BYTES)
    end = scanner.size if beginning is None else beginning
    if 0 < header.told_bytes < UNKNOWN_SIZE and end != told_end:
        got = f"got {end - header.data_at}, which are read"
        warnings.append(f"expected {header.told_bytes} bytes of sound, as its header says, {got}")
    return end, beginning


def _skip_chunks(scanner: ByteScanner, position: int, order: Literal["big", "little"]) -> int | None:
    """Returns where the chunks after a sound end: at the size of the file, or where a joined file begins; None if what
    follows is something else, and so may be sound."""
    for _ in range(_MAX_CHUNKS):
        chunk = scanner.at(position, BEGINNING_BYTES)
        if chunk.startswith((b"TAG", b"ID3", b"APETAGEX")) or (len(chunk) < _CHUNK_HEADER and not chunk.strip(b"\0")):
            return scanner.size
        if BEGINNING.match(chunk):
            return position
        num_bytes = int.from_bytes(chunk[4:8], order)
        if not _CHUNK.match(chunk) or num_bytes > scanner.size - position - _CHUNK_HEADER:
            return None
        position += _CHUNK_HEADER + num_bytes + num_bytes % 2
    return None


def _part(header: _Header, end: int) -> Part:
    num_bytes = end - header.data_at
    max_samples = None
    if header.tag in _ONE_SAMPLE_BLOCKS:
        num_bytes -= num_bytes % header.block_align
    elif header.tag in _FILLED_UP_BLOCKS:
        max_samples = -(-num_bytes // header.block_align) * header.samples_per_block
        # Some encoders tell something else: libsndfile divides that of IMA ADPCM by the channels.
        is_divided = header.num_channels > 1 and header.told_samples == max_samples // header.num_channels
        num_filled = max_samples - header.told_samples
        if header.told_samples and not is_divided and 0 <= num_filled < 2 * header.samples_per_block:
            max_samples = header.told_samples
    ranges = RangeList(header.encode(num_bytes)).add(header.data_at, num_bytes)
    return Part(ranges, max_samples_per_channel=max_samples)
