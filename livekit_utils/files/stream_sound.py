"""stream_sound decodes a stream of bytes as they come, in a thread that may wait for them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from livekit_utils.files.av_sound import AvSound, as_samples
from livekit_utils.files.errors import ForeignFileError, SoundFileError
from livekit_utils.files.mpeg import HEADER_BYTES, parse_header, tag_size
from livekit_utils.files.stream_parts import MpegSplitter, NoSplitter, OggSplitter, PartReader
from livekit_utils.files.wav import is_wav
from livekit_utils.files.wav_stream import Piece, WavStream
from livekit_utils.frames.pyav import import_av, open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit_utils.files.byte_feed import ByteFeed

# What a stream may be called, and what FFmpeg calls it.
FORMATS = {
    "wav": "wav",
    "audio/wav": "wav",
    "audio/wave": "wav",
    "audio/x-wav": "wav",
    "audio/vnd.wave": "wav",
    "mp3": "mp3",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/x-mpeg": "mp3",
    "ogg": "ogg",
    "opus": "ogg",
    "audio/ogg": "ogg",
    "audio/opus": "ogg",
    "application/ogg": "ogg",
    "flac": "flac",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "aac": "aac",
    "audio/aac": "aac",
    "audio/x-aac": "aac",
    "audio/aacp": "aac",
    "webm": "matroska",
    "mkv": "matroska",
    "audio/webm": "matroska",
    "video/webm": "matroska",
    "mp4": "mp4",
    "m4a": "mp4",
    "audio/mp4": "mp4",
    "audio/x-m4a": "mp4",
    "video/mp4": "mp4",
}

_HEAD_BYTES = 12

# FFmpeg would otherwise look at seconds of sound before it gives the first.
_OPTIONS = {"analyzeduration": "1"}

# Samples per channel that are given at a time.
_BLOCK = 4800


def stream_sound(feed: ByteFeed, format: str | None) -> Iterator[Piece]:
    """Decodes a stream.

    Args:
        feed: Its bytes.
        format: What it is if its first bytes do not tell; a value of FORMATS. None: FFmpeg looks for it.

    Raises:
        SoundFileError: It is damaged, or nothing that is known.
        ImportError: It is no WAV, and PyAV is not installed.
    """
    head = _read_head(feed)
    if not head:
        return
    told = _told_format(head) or format
    if told == "wav":
        try:
            yield from _wav(feed, head)
            return
        except _AnotherCodec as another:
            head = another.consumed
    if told == "mp4":
        yield from _whole(feed, head)
    else:
        yield from _parts(feed, head, told)


def _read_head(feed: ByteFeed) -> bytes:
    """Returns the first bytes of a stream, or more of them, without the tags that may lie before a sound."""
    head = b""
    num_tag = 0
    while True:
        while len(head) < num_tag + _HEAD_BYTES:
            data = feed.read()
            if not data:
                if num_tag and not feed.closed:
                    raise SoundFileError("expected sound after a tag, got none")
                return head
            head += data
        head, num_tag = head[num_tag:], 0
        if not head.startswith(b"ID3") or not (num_tag := tag_size(head[:_HEAD_BYTES])):
            return head


def _told_format(head: bytes) -> str | None:
    """Returns the format that the first bytes of a stream tell."""
    if is_wav(head):
        return "wav"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith(b"fLaC"):
        return "flac"
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "matroska"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head.startswith(b"\xff") and parse_header(head[:HEADER_BYTES]) is not None:
        return "mp3"
    return None


class _AnotherCodec(Exception):
    """A WAV has a codec that needs FFmpeg."""

    def __init__(self, consumed: bytes) -> None:
        self.consumed = consumed


def _wav(feed: ByteFeed, head: bytes) -> Iterator[Piece]:
    stream = WavStream()
    consumed: bytes | None = b""  # up to the first sound
    data = head
    while data:
        if consumed is not None:
            consumed += data
        try:
            pieces = stream.push(data)
        except ForeignFileError as error:
            if consumed is None:
                raise
            raise _AnotherCodec(consumed) from error
        if stream.is_in_sound or pieces:
            consumed = None
        yield from pieces
        data = feed.read()
    if not feed.closed:
        yield from stream.end()


def _whole(feed: ByteFeed, head: bytes) -> Iterator[Piece]:
    """Decodes an MP4, which has its table of contents anywhere."""
    file = io.BytesIO(head)
    file.seek(0, io.SEEK_END)
    while data := feed.read():
        file.write(data)
    if feed.closed:
        return
    sound = AvSound(file)
    try:
        while len(samples := sound.read(_BLOCK)):
            yield Piece(sound.sample_rate, samples)
    finally:
        sound.close()


def _parts(feed: ByteFeed, head: bytes, format: str | None) -> Iterator[Piece]:
    av = import_av()
    splitter = OggSplitter() if format == "ogg" else MpegSplitter() if format == "mp3" else NoSplitter()
    reader = PartReader(feed, splitter, head)
    is_empty = True
    while True:
        try:
            with open_to_read(reader, format=format, options=_OPTIONS) as container:
                if not container.streams.audio:
                    raise SoundFileError("expected a stream with sound, got one without")
                num_given = 0
                for frame in container.decode(container.streams.audio[0]):
                    samples = as_samples(frame)
                    if reader.told_samples is not None:
                        samples = samples[: max(0, reader.told_samples - num_given)]
                    num_given += len(samples)
                    if len(samples):
                        is_empty = False
                        yield Piece(frame.sample_rate, samples)
        except av.FFmpegError as error:
            if feed.closed:
                return
            raise SoundFileError(f"FFmpeg cannot decode it: {error.strerror}") from error
        if not reader.next_part():
            break
    if feed.closed:
        return
    if reader.error is not None:
        raise reader.error
    if is_empty:
        raise SoundFileError("expected sound, got none")
