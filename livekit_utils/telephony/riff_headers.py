"""RiffHeaders takes the headers of WAV files out of a stream of bytes."""

from __future__ import annotations

from livekit_utils.frames.wav_format import MAX_FORMAT_BYTES, UNKNOWN_SIZE, WavFormat, read_wav_format, unusable

_RIFF_HEADER = 12
_CHUNK_HEADER = 8

# What stands behind the sound of WAV files. Other bytes there are sound that the header did not know of.
_TRAILERS = tuple(
    b"LIST id3  ID3  bext cue  fact smpl JUNK junk PAD  FLLR iXML "
    b"_PMX aXML axml PEAK inst note labl plst ltxt cart afsp DISP "[i : i + 4]
    for i in range(0, 120, 5)
)


class RiffHeaders:
    """Takes pieces of a stream, and returns the sound in them, and the format wherever a header begins.

    A header is looked for where a piece begins, and where the sound of a header ends by its own account. A piece may
    end anywhere in a header.
    """

    def __init__(self) -> None:
        self._held = b""  # the beginning of what may be a header
        self._in_header = False  # behind RIFF, and before the sound
        self._at_boundary = False  # behind the sound of a header
        self._is_padded = False  # such a sound has an odd number of bytes, and one of 0 to fill it up
        self._sound_left: int | None = None  # until that; None: unknown
        self._to_skip = 0  # of a chunk that is no sound
        self._format: WavFormat | None = None
        self._error: str | None = None

    def push(self, data: memoryview) -> list[WavFormat | memoryview]:
        """Returns formats and stretches of sound, in order.

        Raises:
            ValueError: The header is damaged, or not of samples that are known. So it is for every piece, until one
                begins with a header. Sound before such a header is returned first.
        """
        found: list[WavFormat | memoryview] = []
        if is_header(data):
            held = self.flush()
            if len(held):
                found.append(held)
            self._begin_header()
        else:
            is_start = self._in_sound  # a piece begins here, or began in what is held
            data, self._held = memoryview(self._held + bytes(data) if self._held else data), b""
            if is_start and _may_be_header(data):
                self._held = bytes(data)
                return []
            if is_start and is_header(data):
                self._begin_header()
        while len(data) and self._error is None:
            data = self._step(data, found)
        if self._error is not None and not found:
            raise ValueError(self._error)
        return found

    def flush(self) -> memoryview:
        """Returns what was held because it might have been a header, if it is none so far."""
        if self._in_header:
            return memoryview(b"")
        held, self._held = memoryview(self._held), b""
        if self._at_boundary and self._is_padded and bytes(held) == b"\0":
            return held[:0]
        if self._sound_left is not None and not self._at_boundary:
            self._sound_left = max(0, self._sound_left - len(held))
            self._at_boundary = self._sound_left == 0
        return held

    @property
    def _in_sound(self) -> bool:
        return not (self._in_header or self._at_boundary or self._to_skip)

    def _begin_header(self) -> None:
        self._held = b""
        self._in_header, self._at_boundary = True, False
        self._to_skip = 0
        self._format = None
        self._error = None

    def _step(self, data: memoryview, found: list[WavFormat | memoryview]) -> memoryview:
        """Takes what is next, and returns the rest; what is too little to tell is held."""
        if self._to_skip:
            taken = min(self._to_skip, len(data))
            self._to_skip -= taken
            return data[taken:]
        if self._in_header:
            return self._read_header(data, found)
        if self._at_boundary:
            return self._read_boundary(data)
        taken = len(data) if self._sound_left is None else min(self._sound_left, len(data))
        if taken:
            found.append(data[:taken])
        if self._sound_left is not None:
            self._sound_left -= taken
            self._at_boundary = self._sound_left == 0
        return data[taken:]

    def _hold(self, data: memoryview) -> memoryview:
        self._held = bytes(data)
        return data[:0]

    def _read_header(self, data: memoryview, found: list[WavFormat | memoryview]) -> memoryview:
        if is_header(data):
            return data[_RIFF_HEADER:]
        if len(data) < _CHUNK_HEADER:
            return self._hold(data)
        name, size = bytes(data[:4]), int.from_bytes(data[4:_CHUNK_HEADER], "little")
        if name == b"data":
            if self._format is None:
                return self._fail(unusable("a header with the format of the sound", "none"), data)
            found.append(self._format)
            self._in_header = False
            is_known = 0 < size < UNKNOWN_SIZE
            self._sound_left = size if is_known else None
            self._is_padded = size % 2 == 1
            self._at_boundary = size == 0  # a file without sound, whose neighbour may follow
            return data[_CHUNK_HEADER:]
        if name != b"fmt ":
            self._to_skip = size + size % 2
            return data[_CHUNK_HEADER:]
        if size > MAX_FORMAT_BYTES:
            return self._fail(unusable(f"16 to {MAX_FORMAT_BYTES} bytes of format", str(size)), data)
        end = _CHUNK_HEADER + size + size % 2
        if len(data) < end:
            return self._hold(data)
        try:
            self._format = read_wav_format(data[_CHUNK_HEADER : _CHUNK_HEADER + size])
        except ValueError as error:
            return self._fail(error, data)
        return data[end:]

    def _fail(self, error: ValueError, data: memoryview) -> memoryview:
        self._error = str(error)
        return data[:0]

    def _read_boundary(self, data: memoryview) -> memoryview:
        """Behind the sound, and the byte that fills it up to an even number: a header, another chunk, or sound."""
        starts = (data, data[1:]) if self._is_padded and data[0] == 0 else (data,)
        for rest in starts:
            if is_header(rest):
                self._begin_header()
                return rest
            if bytes(rest[:4]) in _TRAILERS and len(rest) >= _CHUNK_HEADER:
                size = int.from_bytes(rest[4:_CHUNK_HEADER], "little")
                self._to_skip = _CHUNK_HEADER + size + size % 2
                return rest
        if any(map(_may_begin, starts)):
            return self._hold(data)
        self._at_boundary = False
        self._sound_left = None
        return data


def is_header(data: memoryview) -> bool:
    """Whether this is the beginning of a WAV file."""
    return bytes(data[:4]) == b"RIFF" and bytes(data[8:_RIFF_HEADER]) == b"WAVE"


def _may_be_header(data: memoryview) -> bool:
    """Whether this is too short to tell, and may yet be the beginning of a WAV file."""
    if not 0 < len(data) < _RIFF_HEADER:
        return False
    return b"RIFF".startswith(bytes(data[:4])) and b"WAVE".startswith(bytes(data[8:]))


def _may_begin(data: memoryview) -> bool:
    """Whether this is too short to tell, and may yet be the beginning of a WAV file, or of a chunk behind its sound."""
    if len(data) == 0 or _may_be_header(data):
        return True
    return len(data) < _CHUNK_HEADER and any(name.startswith(bytes(data[:4])) for name in _TRAILERS)
