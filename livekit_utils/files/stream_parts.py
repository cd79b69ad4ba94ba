"""What comes as one stream may be several sounds, one after the other: these find where each begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.mpeg import HEADER_BYTES, parse_header, parse_info, tag_size

if TYPE_CHECKING:
    from livekit_utils.files.byte_feed import ByteFeed


class Chunk(NamedTuple):
    """Some bytes of one sound."""

    begins: bool
    """Whether they are the first of it."""
    data: bytes
    told_samples: int | None = None
    """How long the sound is, in samples per channel, if they tell it. FFmpeg does not always believe this."""


class Splitter(Protocol):
    """Cuts a stream into sounds, however its bytes are cut."""

    def push(self, data: bytes, /) -> list[Chunk]:
        """Takes bytes, and returns what is known of them now."""
        ...

    def end(self) -> list[Chunk]:
        """Returns what is left at the end of the stream."""
        ...


class NoSplitter:
    """Takes a stream for one sound."""

    def push(self, data: bytes) -> list[Chunk]:
        return [Chunk(False, data)]

    def end(self) -> list[Chunk]:
        return []


class OggSplitter:
    """Cuts a chain of Ogg streams into its links."""

    _HEADER_BYTES = 27
    _IS_FIRST, _IS_LAST = 2, 4

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._vorbis = b""
        """The serial number of a stream whose pages count the samples of its sound."""
        self._is_begun = False
        """Whether pages that are not the first of their stream have come."""

    def push(self, data: bytes) -> list[Chunk]:
        self._buffer += data
        chunks: list[Chunk] = []
        while num_bytes := self._num_bytes():
            page = bytes(self._buffer[:num_bytes])
            chunks.append(self._chunk(page) if page.startswith(b"OggS") else Chunk(False, page))
            del self._buffer[:num_bytes]
        return chunks

    def _chunk(self, page: bytes) -> Chunk:
        flags, serial = page[5], page[14:18]
        begins = bool(flags & self._IS_FIRST) and self._is_begun
        self._is_begun = not flags & self._IS_FIRST
        if flags & self._IS_FIRST and page[self._HEADER_BYTES + page[self._HEADER_BYTES - 1] :].startswith(
            b"\x01vorbis"
        ):
            self._vorbis = serial
        is_told = flags & self._IS_LAST and serial == self._vorbis
        return Chunk(begins, page, int.from_bytes(page[6:14], "little", signed=True) if is_told else None)

    def _num_bytes(self) -> int:
        """Returns how long the next page is, or what lies before it; 0 if that is not known yet."""
        if not self._buffer.startswith(b"OggS"):
            found = self._buffer.find(b"OggS")
            return found if found >= 0 else max(0, len(self._buffer) - 3)
        if len(self._buffer) < self._HEADER_BYTES:
            return 0
        data_at = self._HEADER_BYTES + self._buffer[self._HEADER_BYTES - 1]
        num_bytes = data_at + sum(self._buffer[self._HEADER_BYTES : data_at])
        return num_bytes if len(self._buffer) >= num_bytes else 0

    def end(self) -> list[Chunk]:
        if self._buffer:
            raise SoundFileError(f"cut off: expected a whole Ogg page at the end, got {len(self._buffer)} bytes of one")
        return []


class MpegSplitter:
    """Cuts MP3 streams that were joined apart, and leaves out tags and what is no frame."""

    # Bytes of the longest thing that has to be seen at once: the header of an APE tag.
    _LOOK = 32

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._num_skipped = 0
        self._is_ended = False
        self._sound: object = None
        self._is_apart = False
        """Whether something else lies before the next frame."""

    def push(self, data: bytes) -> list[Chunk]:
        self._buffer += data
        chunks: list[Chunk] = []
        while self._step(chunks):
            pass
        return chunks

    def end(self) -> list[Chunk]:
        self._is_ended = True
        return self.push(b"")

    def _step(self, chunks: list[Chunk]) -> bool:
        """Takes a frame, a tag or a gap; returns False if more bytes are needed."""
        if self._num_skipped:
            num_bytes = min(self._num_skipped, len(self._buffer))
            del self._buffer[:num_bytes]
            self._num_skipped -= num_bytes
            return not self._num_skipped
        if len(self._buffer) < self._num_looked:
            return False
        header = parse_header(bytes(self._buffer[:HEADER_BYTES]))
        if header is None or not self._is_frame(header.num_bytes):
            self._num_skipped = tag_size(bytes(self._buffer[: self._LOOK])) or self._gap()
            self._is_apart = True
            return True
        if len(self._buffer) < header.num_bytes + (0 if self._is_ended else self._LOOK):
            return False
        frame = bytes(self._buffer[: header.num_bytes])
        info = parse_info(frame, header)
        is_first = self._is_apart or header.sound != self._sound or info is not None
        told = info.samples_per_channel(header) if info is not None else None
        chunks.append(Chunk(is_first and self._sound is not None, frame, told))
        self._sound, self._is_apart = header.sound, False
        del self._buffer[: header.num_bytes]
        return True

    @property
    def _num_looked(self) -> int:
        return HEADER_BYTES if self._is_ended else self._LOOK

    def _is_frame(self, num_bytes: int) -> bool:
        """Whether what looks like a frame is one: within a sound it is, else if something follows that fits."""
        if (self._sound is not None and not self._is_apart) or len(self._buffer) < num_bytes + self._num_looked:
            return True
        following = bytes(self._buffer[num_bytes : num_bytes + self._LOOK])
        return parse_header(following[:HEADER_BYTES]) is not None or bool(tag_size(following))

    def _gap(self) -> int:
        found = self._buffer.find(b"\xff", 1)
        return found if found > 0 else len(self._buffer)


class PartReader:
    """Reads one sound of a stream after the other, as a file that PyAV reads.

    Args:
        feed: The stream.
        splitter: Finds its sounds.
        head: What was read of the stream already.
    """

    def __init__(self, feed: ByteFeed, splitter: Splitter, head: bytes) -> None:
        self._feed = feed
        self._splitter = splitter
        self._chunks = splitter.push(head)[::-1]
        """What comes next is at the end."""
        self.is_over = False
        self.told_samples: int | None = None
        """How long the sound is that is read now, in samples per channel, if it has told it."""
        self.error: SoundFileError | None = None
        """What was wrong with the end of the stream."""

    def read(self, num_bytes: int) -> bytes:
        """Returns the next bytes of the sound; none at its end."""
        while not self._chunks:
            if self.is_over:
                return b""
            self._fill()
        chunk = self._chunks.pop()
        if chunk.begins:
            self._chunks.append(chunk)
            return b""
        if chunk.told_samples is not None:
            self.told_samples = chunk.told_samples
        if len(chunk.data) > num_bytes:
            self._chunks.append(Chunk(False, chunk.data[num_bytes:]))
        return chunk.data[:num_bytes]

    def _fill(self) -> None:
        if data := self._feed.read():
            self._chunks = self._splitter.push(data)[::-1]
            return
        self.is_over = True
        try:
            self._chunks = self._splitter.end()[::-1]
        except SoundFileError as error:
            self.error = error

    def next_part(self) -> bool:
        """Goes on with the next sound; returns False if there is none."""
        while True:
            while not self._chunks and not self.is_over:
                self._fill()
            if not self._chunks:
                return False
            chunk = self._chunks.pop()  # what a decoder has left of the sound before is lost
            if chunk.begins:
                self._chunks.append(chunk._replace(begins=False))
                self.told_samples = None
                return True
