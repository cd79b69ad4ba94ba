"""Finds the sounds in an MP3 file: its frames, without tags and without what is no frame.

Each frame has a header of 4 bytes, from which its length follows. A sound begins with the file, with a Xing header (a
frame without sound, which tells the number of frames), after a tag, and where the sample rate or the number of channels
changes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from livekit_utils.files.byte_ranges import RangeList
from livekit_utils.files.part import Contents, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit_utils.files.byte_scanner import ByteScanner

# Bytes between two frames that are looked through for the next one. Recordings of radio begin inside of a frame.
_MAX_GAP = 1 << 16

# Frames in a row that make sure that it is one, after a gap.
_FRAMES_IN_A_ROW = 4

# Bytes of frames before it that a frame may begin with.
_MAX_RESERVED = 511

# Tags in a row before a sound.
_MAX_TAGS = 100

# kbit/s by (version 1, layer), for the 4 bits of a header; 0 is free, which is not read.
_BITRATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)  # of version 1; version 2 has half of them, 2.5 a quarter

HEADER_BYTES = 4
_TAG_BYTES = 128  # of an ID3v1 tag, at the end of a file
_SYNC = re.compile(rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]", re.DOTALL)

# Bytes of a frame that are looked through for a Xing header, and what is there.
INFO_BYTES = 4 + 2 + 32 + 16
_HAS_NUM_FRAMES, _HAS_NUM_BYTES = 1, 2
_XING_FIELDS = ((1, 4), (2, 4), (4, 100), (8, 4))  # flags, and the bytes of what they announce


class _Header(NamedTuple):
    num_bytes: int
    samples_per_channel: int
    sound: tuple[bool, int, int, bool]
    """The same for all frames of one sound: version 1, layer, sample rate, mono."""
    info_at: int
    """Where a Xing header would be."""

    @property
    def is_mono(self) -> bool:
        return self.sound[3]


@lru_cache(maxsize=4096)
def parse_header(header: bytes) -> _Header | None:
    """Returns what the 4 bytes before a frame say; None if they are no header."""
    if len(header) < HEADER_BYTES or header[0] != 0xFF or header[1] < 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bitrate_index, rate_index = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate_index in (0, 15) or rate_index == 3:
        return None
    is_version_1 = version == 3
    rate = _RATES[rate_index] >> (0 if is_version_1 else 1 if version == 2 else 2)
    bitrate = 1000 * _BITRATES[is_version_1, layer][bitrate_index]
    padding = header[2] >> 1 & 1
    if layer == 1:
        samples_per_channel, num_bytes = 384, 4 * (12 * bitrate // rate + padding)
    else:
        samples_per_channel = 576 if layer == 3 and not is_version_1 else 1152
        num_bytes = samples_per_channel // 8 * bitrate // rate + padding
    is_mono = header[3] >> 6 == 3
    info_at = HEADER_BYTES + ((17 if is_mono else 32) if is_version_1 else (9 if is_mono else 17))
    return _Header(num_bytes, samples_per_channel, (is_version_1, layer, rate, is_mono), info_at)


def skip_tags(scanner: ByteScanner, position: int) -> int:
    """Returns where the tags at a position end: ID3v2, APE and ID3v1."""
    for _ in range(_MAX_TAGS):
        head = scanner.at(position, 32)
        num_bytes = tag_size(head)
        if not num_bytes or (head.startswith(b"TAG") and scanner.size - position != _TAG_BYTES):
            break
        position += num_bytes
    return min(position, scanner.size)


def tag_size(head: bytes) -> int:
    """Returns the length of the tag that begins with these 32 bytes: ID3v2, APE or ID3v1; 0 if they are none."""
    if head.startswith(b"ID3") and len(head) >= 10 and max(head[6:10]) < 0x80:
        size = 0
        for byte in head[6:10]:
            size = size << 7 | byte
        return 10 + size + (10 if head[5] & 0x10 else 0)
    if head.startswith(b"APETAGEX") and len(head) == 32:
        size = int.from_bytes(head[12:16], "little")
        return size + (32 if head[23] & 0x20 else 0)  # the size is without the header
    return _TAG_BYTES if head.startswith(b"TAG") else 0


def first_frame(scanner: ByteScanner, start: int) -> int | None:
    """Returns where the first frame after a position is, if it is near; None if there is none."""
    end = min(scanner.size, start + _MAX_GAP)
    found = start
    while (position := scanner.search(_SYNC, found, end, 2)) is not None:
        if _is_sure(scanner, position, at_least=1 if position == start else 2):
            return position
        found = position + 1
    return None


def _is_sure(scanner: ByteScanner, position: int, at_least: int) -> bool:
    """Returns whether frames of one sound follow each other: some, or at least so many, after which the file ends or a
    tag begins."""
    sound = None
    for count in range(_FRAMES_IN_A_ROW):
        header = parse_header(scanner.at(position, HEADER_BYTES))
        if header is None or sound not in (None, header.sound):
            is_end = position == scanner.size or skip_tags(scanner, position) > position
            return count >= at_least and is_end
        if count == 0 and _xing(scanner, position, header) is not None:
            return True
        sound = header.sound
        position += header.num_bytes
    return True


class _Xing(NamedTuple):
    """What a Xing header tells; 0 is nothing."""

    num_frames: int = 0
    num_bytes: int = 0
    """Of all frames, this one as well."""
    num_bytes_at: int = 0
    """Where in the frame that is."""
    num_filled: int = 0
    """Samples per channel that the encoder put before the sound and after it."""

    def samples_per_channel(self, header: _Header) -> int | None:
        """Returns the length of the sound; None if it is not told."""
        return self.num_frames * header.samples_per_channel - self.num_filled if self.num_filled else None


def _xing(scanner: ByteScanner, position: int, header: _Header) -> _Xing | None:
    """Returns what a frame tells of those that follow; None if it is a frame with sound."""
    return parse_info(scanner.at(position, min(INFO_BYTES, header.num_bytes)), header)


def parse_info(frame: bytes, header: _Header) -> _Xing | None:
    """Returns what a frame that begins with these bytes tells; None if it is a frame with sound."""
    for info_at in (header.info_at, header.info_at + 2):  # with a checksum before it
        if frame[info_at : info_at + 4] in (b"Xing", b"Info"):
            flags = int.from_bytes(frame[info_at + 4 : info_at + 8], "big")
            at = info_at + 8
            num_frames = num_bytes = 0
            if flags & _HAS_NUM_FRAMES:
                num_frames = int.from_bytes(frame[at : at + 4], "big")
                at += 4
            if flags & _HAS_NUM_BYTES:
                num_bytes = int.from_bytes(frame[at : at + 4], "big")
            return _Xing(num_frames, num_bytes, at, _num_filled(frame, info_at, flags))
    return _Xing() if frame[36:40] == b"VBRI" else None


def _num_filled(frame: bytes, info_at: int, flags: int) -> int:
    """Returns what LAME and FFmpeg write behind a Xing header: two numbers of 12 bits."""
    at = info_at + 8 + sum(size for bit, size in _XING_FIELDS if flags & bit)
    if frame[at : at + 4] not in (b"LAME", b"Lavf", b"Lavc"):
        return 0
    both = int.from_bytes(frame[at + 21 : at + 24], "big")
    return (both >> 12) + (both & 0xFFF)


class _Sound:
    """Collects the frames of one sound."""

    def __init__(self, header: _Header, told: _Xing) -> None:
        self.header = header
        self.told = told
        self._num_reserved: int | None = 0
        self.ranges = RangeList()
        self.num_frames = 0

    @property
    def is_full(self) -> bool:
        return 0 < self.told.num_frames == self.num_frames

    def add(self, scanner: ByteScanner, position: int, header: _Header) -> None:
        """Appends a frame.

        Layer III frames hold bits of those after them. The first frames of a stream that was cut out of a longer one
        lack some: libsndfile decodes them as noise, with lines on stderr. They are made silent.
        """
        if self._num_reserved is None or (header.sound[1] != 3 and self.num_frames):
            self.ranges.add(position, header.num_bytes)
            return
        frame = scanner.at(position, header.num_bytes)
        side_info_at = HEADER_BYTES + (0 if frame[1] & 1 else 2)  # after a checksum
        num_side_info = header.info_at - HEADER_BYTES
        # 9 bits of version 1, 8 of the others: how many bytes of the frames before it a frame begins with.
        shift = 7 if header.sound[0] else 8
        num_needed = int.from_bytes(frame[side_info_at : side_info_at + 2], "big") >> shift
        if num_needed > self._num_reserved and header.sound[1] == 3:
            # As many as there are, because libmpg123 keeps those for the next frame that a frame asks for.
            silent = (self._num_reserved << shift).to_bytes(2, "big") + bytes(num_side_info - 2)
            frame = frame[:side_info_at] + silent + frame[side_info_at + num_side_info :]
        self.ranges.head += frame
        self._num_reserved += max(0, header.num_bytes - side_info_at - num_side_info)
        if self._num_reserved > _MAX_RESERVED:
            self._num_reserved = None  # from here on, nothing is missing

    def part(self) -> Part:
        if self.told.num_bytes:
            # Where the size is another, libmpg123 says so on stderr.
            size, at = min(self.ranges.size, 0xFFFFFFFF), self.told.num_bytes_at
            self.ranges.head = self.ranges.head[:at] + size.to_bytes(4, "big") + self.ranges.head[at + 4 :]
        num_missing = self.told.num_frames - self.num_frames
        if self.told.num_frames and num_missing <= 0:
            return Part(self.ranges)
        # Some encoders count the Xing header as a frame.
        if self.told.num_frames and not (num_missing == 1 and 0 < self.told.num_bytes <= self.ranges.size):
            return Part(self.ranges, found_samples_per_channel=self.num_frames * self.header.samples_per_channel)
        if self.num_frames == 1:
            # libsndfile wants to see a second one.
            self.ranges.head += self.ranges.head[:HEADER_BYTES] + bytes(self.header.num_bytes - HEADER_BYTES)
            return Part(self.ranges, max_samples_per_channel=self.header.samples_per_channel)
        # libsndfile estimates the length of a sound without a Xing header by its size and its first frame, and reads no
        # further. The longest frame is about 60 times as long as the shortest.
        self.ranges.claimed_size = 64 * self.ranges.size + _TAG_BYTES
        return Part(self.ranges, tells_length=False)


def find_mpeg(scanner: ByteScanner, start: int) -> Contents:
    """Returns the sounds of a file with frames, from `start` on."""
    contents = Contents()
    sound: _Sound | None = None
    for position, header, is_apart in _frames(scanner, start, contents.warnings):
        told = _xing(scanner, position, header)
        is_first = told is not None or is_apart
        if sound is None or is_first or sound.header.sound != header.sound or sound.is_full:
            if sound is not None and sound.num_frames:
                contents.add(sound.part())
            sound = _Sound(header, told or _Xing())
        if told is None:
            sound.add(scanner, position, header)
            sound.num_frames += 1
        else:
            sound.ranges.head = scanner.at(position, header.num_bytes)
    if sound is not None and sound.num_frames:
        contents.add(sound.part())
    return contents


def _frames(scanner: ByteScanner, start: int, warnings: list[str]) -> Iterator[tuple[int, _Header, bool]]:
    """Yields the position and the header of every frame, and whether something else lies before it. What is no frame is
    left out, and put into the warnings."""
    position = start
    num_skipped = 0
    sound = None
    is_apart = True
    while position + HEADER_BYTES <= scanner.size:
        header = parse_header(scanner.at(position, HEADER_BYTES))
        if header is None or (header.sound != sound and not _is_sure(scanner, position, 1)):
            end_of_tags = skip_tags(scanner, position)
            if end_of_tags > position:
                position, is_apart = end_of_tags, True
                continue
            following = first_frame(scanner, position + 1)
            if following is None:
                break
            num_skipped += following - position
            position, is_apart = following, True
            continue
        if position + header.num_bytes > scanner.size:
            break
        yield position, header, is_apart
        sound, is_apart = header.sound, False
        position += header.num_bytes
    num_skipped += scanner.size - position
    if num_skipped:
        warnings.append(f"{num_skipped} bytes are no whole MP3 frames, and left out")
