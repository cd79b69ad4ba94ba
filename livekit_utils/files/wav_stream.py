"""WavStream decodes the bytes of a WAV as they come, and those of any number of WAVs one after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from livekit_utils.files.errors import ForeignFileError, SoundFileError
from livekit_utils.files.wav import (
    BEGINNING,
    BEGINNING_BYTES,
    MAX_FORMAT_BYTES,
    UNKNOWN_SIZE,
    is_wav,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy.typing as npt

    from livekit_utils.files.samples import Samples

_MAX_SAMPLE_RATE = 3_072_000
_MAX_CHANNELS = 128

# What may follow the sound in a WAV. Anything else that follows is sound: the size in the header was too small.
_CHUNKS = re.compile(
    rb"LIST|JUNK|junk|PAD |FLLR|bext|fact|cue |smpl|inst|id3 |ID3 |iXML|_PMX|afsp|plst|data|RIF[FX]|RF64"
)


class Piece(NamedTuple):
    """Some samples, and their rate."""

    sample_rate: int
    samples: Samples


class _Format(NamedTuple):
    sample_rate: int
    num_channels: int
    block_align: int
    subtype: str
    """As libsndfile calls it."""
    decode: Callable[[bytes], Samples]

    @property
    def is_s16(self) -> bool:
        return self.decode(b"").dtype == np.int16


class WavStream:
    """Finds the sound in the bytes of WAVs, however they are cut. The sizes in the headers may be wrong or unknown.

    PCM of 8, 16, 24 and 32 bits, floats of 32 and 64 bits, A-law and mu-law are decoded.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._step = self._read_riff
        self._order = "<"
        self._num_skipped = 0
        self.format: _Format | None = None
        """That of the sound which is read now."""
        self.num_told: int | None = None
        """Bytes of sound that are still to come, as the header says; None if it does not tell."""
        self._in_header = 0
        self.cut_off: tuple[int, int] | None = None
        """Bytes of sound that the last header tells of, and those that came, where these are fewer."""
        self.is_in_sound = False
        """Whether a header was read to its end, so that all bytes which follow are sound."""
        self._error: SoundFileError | None = None  # behind sound that was returned

    def push(self, data: bytes | bytearray | memoryview) -> list[Piece]:
        """Takes bytes, and returns the sound in them. Where an error follows sound, the next call raises it.

        Raises:
            SoundFileError: They are no WAV, or its header is damaged.
            ForeignFileError: They are a WAV of another codec.
        """
        if self._error is not None:
            raise self._error
        self._buffer += data
        pieces: list[Piece] = []
        try:
            while self._step(pieces):
                pass
        except SoundFileError as error:
            if not pieces:
                raise
            self._error = error
        return pieces

    def end(self) -> list[Piece]:
        """Ends the stream, and returns the rest of the sound.

        Raises:
            SoundFileError: It ends in a header, or there was an error behind the sound that was returned last.
        """
        if self._error is not None:
            raise self._error
        pieces: list[Piece] = []
        if self._step == self._read_sound and self.num_told is not None and self.num_told <= len(self._buffer):
            num_told = self.num_told
            self._emit(num_told, pieces)
            del self._buffer[: num_told - self._num_emitted]
            self._step = self._read_chunk
        elif self._step == self._read_sound and self.num_told is not None:
            self.cut_off = (self._in_header, self._in_header - self.num_told + len(self._buffer))
        # A few bytes at the end are too short for a chunk, and so are sound.
        if self._step == self._read_sound or (
            self._step == self._read_chunk and self.is_in_sound and any(self._buffer)
        ):
            self._emit(len(self._buffer), pieces)
        elif not self.is_in_sound and (self._buffer or self._step != self._read_riff):
            raise SoundFileError("cut off: expected a WAV with a data chunk, got an end in its header")
        return pieces

    def _read_riff(self, pieces: list[Piece]) -> bool:
        if len(self._buffer) < 12:
            return False
        if not is_wav(bytes(self._buffer[:12])):
            raise SoundFileError(f"expected a WAV, got something else (it starts with {bytes(self._buffer[:12])!r})")
        self._order = ">" if self._buffer.startswith(b"RIFX") else "<"
        del self._buffer[:12]
        self.format = None
        self.is_in_sound = False
        self._step = self._read_chunk
        return True

    def _read_chunk(self, pieces: list[Piece]) -> bool:
        if len(self._buffer) < 8:
            return False
        name, size = bytes(self._buffer[:4]), int.from_bytes(self._buffer[4:8], _ORDERS[self._order])
        if self.is_in_sound:
            at = 1 if self._buffer[0] == 0 and _CHUNKS.match(self._buffer, 1) else 0  # padding
            if not _CHUNKS.match(self._buffer, at):
                self.num_told, self._step = None, self._read_sound
                return True
            if at or name in (b"RIFF", b"RIFX", b"RF64"):
                del self._buffer[:at]
                self._step = self._read_riff if self._buffer.startswith((b"RIF", b"RF6")) else self._read_chunk
                return True
        if name == b"fmt ":
            if size > MAX_FORMAT_BYTES:
                raise SoundFileError(f"expected at most {MAX_FORMAT_BYTES} bytes of WAV format, got {size}")
            if len(self._buffer) < 8 + size:
                return False
            self.format = _parse(bytes(self._buffer[8 : 8 + size]), self._order)
            self._num_skipped = size + size % 2
        elif name == b"data":
            if self.format is None:
                raise SoundFileError("damaged: expected the format of a WAV before its sound, got none")
            self._in_header = size
            self.num_told = size if size < UNKNOWN_SIZE else None  # after 0 bytes, what is no chunk is sound
            self.is_in_sound = True
        else:
            self._num_skipped = size + size % 2
        del self._buffer[:8]
        self._step = self._read_sound if name == b"data" else self._skip
        return True

    def _skip(self, pieces: list[Piece]) -> bool:
        num_bytes = min(self._num_skipped, len(self._buffer))
        del self._buffer[:num_bytes]
        self._num_skipped -= num_bytes
        if self._num_skipped:
            return False
        self._step = self._read_chunk
        return True

    def _read_sound(self, pieces: list[Piece]) -> bool:
        num_bytes = len(self._buffer) if self.num_told is None else min(self.num_told, len(self._buffer))
        found = BEGINNING.search(self._buffer)
        if found and found.start() < num_bytes:
            self._emit(found.start(), pieces)
            del self._buffer[: found.start() - self._num_emitted]
            self._step = self._read_riff
            return True
        is_end = self.num_told is not None and num_bytes == self.num_told
        undecided = len(self._buffer) - _num_of_beginning(self._buffer[1 - BEGINNING_BYTES :])
        if undecided < num_bytes:
            num_bytes, is_end = undecided, False
        self._emit(num_bytes, pieces)
        if not is_end:
            if self.num_told is not None:
                self.num_told -= self._num_emitted
            return False
        del self._buffer[: num_bytes - self._num_emitted]
        self._step = self._read_chunk
        return True

    def _emit(self, num_bytes: int, pieces: list[Piece]) -> None:
        """Decodes the whole blocks in so many bytes."""
        assert self.format is not None
        num_bytes -= num_bytes % self.format.block_align
        self._num_emitted = num_bytes
        if num_bytes:
            samples = self.format.decode(bytes(self._buffer[:num_bytes])).reshape(-1, self.format.num_channels)
            pieces.append(Piece(self.format.sample_rate, samples))
            del self._buffer[:num_bytes]


_ORDERS: dict[str, Any] = {"<": "little", ">": "big"}


def _num_of_beginning(tail: bytearray) -> int:
    """Returns how many bytes at the end may be the beginning of a WAV."""
    for start in range(len(tail)):
        part = bytes(tail[start:])
        if any(mark.startswith(part[:4]) for mark in (b"RIFF", b"RIFX", b"RF64")) and (
            len(part) <= 8 or b"WAVE".startswith(part[8:12])
        ):
            return len(part)
    return 0


def _parse(format: bytes, order: str) -> _Format:
    if len(format) < 16:
        raise SoundFileError(f"damaged: expected at least 16 bytes of WAV format, got {len(format)}")
    tag, num_channels, rate, _, block_align, bits = np.frombuffer(
        format[:16], np.dtype(f"{order}u2,{order}u2,{order}u4,{order}u4,{order}u2,{order}u2")
    )[0].item()
    if tag == 0xFFFE and len(format) >= 26:
        tag = int.from_bytes(format[24:26], _ORDERS[order])
    decode = decoder(tag, bits, order)
    if decode is None:
        raise ForeignFileError(f"expected PCM, float, A-law or mu-law in a WAV, got codec {tag:#x} of {bits} bits")
    if not 1 <= rate <= _MAX_SAMPLE_RATE:
        raise SoundFileError(f"expected a sample rate of 1 to {_MAX_SAMPLE_RATE} Hz, got {rate} Hz")
    if not 1 <= num_channels <= _MAX_CHANNELS:
        raise SoundFileError(f"expected 1 to {_MAX_CHANNELS} channels, got {num_channels}")
    if block_align != num_channels * bits // 8:
        raise SoundFileError(f"damaged: expected blocks of {num_channels * bits // 8} bytes, got {block_align}")
    return _Format(rate, num_channels, block_align, SUBTYPES[tag, bits], decode)


# libsndfile's names of the codecs and the bits of a sample.
SUBTYPES = {
    (1, 8): "PCM_U8",
    (1, 16): "PCM_16",
    (1, 24): "PCM_24",
    (1, 32): "PCM_32",
    (3, 32): "FLOAT",
    (3, 64): "DOUBLE",
    (6, 8): "ALAW",
    (7, 8): "ULAW",
}


def decoder(tag: int, bits: int, order: str) -> Callable[[bytes], Samples] | None:
    """Returns the function that decodes a codec; None if there is none."""
    if (tag, bits) == (1, 8):
        return lambda data: (np.frombuffer(data, np.uint8).astype(np.int16) - 128) << 8
    if (tag, bits) == (1, 16):
        return lambda data: np.frombuffer(data, f"{order}i2").astype(np.int16)
    if (tag, bits) == (1, 24):
        return lambda data: _widened(data, order).astype(np.float32) / np.float32(2**31)
    if (tag, bits) == (1, 32):
        return lambda data: (np.frombuffer(data, f"{order}i4") / 2**31).astype(np.float32)
    if (tag, bits) in ((3, 32), (3, 64)):
        return lambda data: np.frombuffer(data, f"{order}f{bits // 8}").astype(np.float32)
    if (tag, bits) in ((6, 8), (7, 8)):
        table = _A_LAW if tag == 6 else _MU_LAW
        return lambda data: table[np.frombuffer(data, np.uint8)]
    return None


def _widened(data: bytes, order: str) -> npt.NDArray[np.int32]:
    """Returns 24-bit values in the upper bits of 32."""
    wide = np.zeros((len(data) // 3, 4), np.uint8)
    wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)[:, :: 1 if order == "<" else -1]
    return wide.view("<i4").ravel()


def _mu_law() -> npt.NDArray[np.int16]:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 15) << 3) + 132) << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law() -> npt.NDArray[np.int16]:
    code = np.arange(256) ^ 0x55
    exponent, mantissa = code >> 4 & 7, (code & 15) << 4
    magnitude = np.where(exponent == 0, mantissa + 8, (mantissa + 264) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_MU_LAW, _A_LAW = _mu_law(), _a_law()
