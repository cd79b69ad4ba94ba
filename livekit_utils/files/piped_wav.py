"""PipedWav reads a WAV that comes through a pipe, as it comes."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, BinaryIO

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.wav_stream import WavStream

if TYPE_CHECKING:
    from livekit_utils.files.samples import Samples

_MAX_BYTES = 1 << 16


class PipedWav:
    """Reads one WAV. Its length is what comes.

    Args:
        file: Open for reading in binary.
        consumed: Bytes that were read from it already. What is read of the header is appended, for another decoder.

    Raises:
        SoundFileError: It is no WAV, or cut off in its header.
        ForeignFileError: It has another codec.
    """

    def __init__(self, file: BinaryIO, consumed: bytearray) -> None:
        self._file = file
        self._stream = WavStream()
        self._pieces: list[Samples] = []
        self._is_over = False
        self._format: tuple[int, int] | None = None
        self._take(bytes(consumed))
        while not self._stream.is_in_sound and not self._is_over:
            data = self._next_bytes()
            consumed += data
            self._take(data)
        if self._stream.format is None:
            raise SoundFileError("cut off: expected a WAV, got the end of a pipe")
        self.sample_rate = self._stream.format.sample_rate
        self.num_channels = self._stream.format.num_channels
        self.samples_per_channel: int | None = None
        self.duration_s: float | None = None
        self.warnings: list[str] = []

    def _next_bytes(self) -> bytes:
        read = getattr(self._file, "read1", self._file.read)
        data: bytes = read(_MAX_BYTES) or b""
        return data

    def _take(self, data: bytes) -> None:
        self._is_over = not data
        pieces = self._stream.push(data) if data else self._stream.end()
        for piece in pieces:
            format = (piece.sample_rate, piece.samples.shape[1])
            if self._format not in (None, format):
                raise SoundFileError("expected one format in all sounds of a pipe, got another one")
            self._format = format
            self._pieces.append(piece.samples)

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the samples that are there, as soon as there are any; none at the end."""
        import numpy as np

        while not self._pieces and not self._is_over:
            self._take(self._next_bytes())
        if not self._pieces:
            return np.empty((0, self.num_channels), np.int16)
        samples = self._pieces[0]
        if len(samples) > samples_per_channel:
            self._pieces[0] = samples[samples_per_channel:]
            return samples[:samples_per_channel]
        return self._pieces.pop(0)

    def rewind(self) -> None:
        """Raises OSError."""
        raise OSError(errno.ESPIPE, f"{os.strerror(errno.ESPIPE)}: expected a file to go back in, got a pipe")

    def close(self) -> None:
        """Does nothing."""
