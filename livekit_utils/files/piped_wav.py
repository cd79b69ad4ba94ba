"""PipedWav reads a WAV that comes through a pipe, as it comes."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.sound import MAX_SKIPPED
from livekit_utils.files.wav_stream import WavStream

if TYPE_CHECKING:
    from livekit_utils.files.pipe_reader import PipeReader
    from livekit_utils.files.samples import Samples


class PipedWav:
    """Reads one WAV, or several of one format, one after the other. Their length is what comes.

    Args:
        pipe: The rest of the pipe.
        consumed: Bytes that were read from it already. What is read of the header is appended, for another decoder.

    Raises:
        SoundFileError: It is no WAV, or cut off in its header.
        ForeignFileError: It has another codec.
    """

    def __init__(self, pipe: PipeReader, consumed: bytearray) -> None:
        self.pipe = pipe
        self._stream = WavStream()
        self._pieces: list[Samples] = []
        self._is_over = False
        self._format: tuple[int, int] | None = None
        self.warnings: list[str] = []
        self._take(bytes(consumed))
        while not self._stream.is_in_sound and not self._is_over:
            data = self.pipe.read()
            consumed += data
            self._take(data)
        if self._stream.format is None:
            raise SoundFileError("cut off: expected a WAV, got the end of a pipe")
        self.sample_rate = self._stream.format.sample_rate
        self.num_channels = self._stream.format.num_channels
        self.format, self.subtype = "WAV", self._stream.format.subtype
        self.is_s16 = self._stream.format.is_s16
        """Whether the samples are int16, exact; float32 otherwise."""
        self.samples_per_channel: int | None = None
        self.duration_s: float | None = None

    def _take(self, data: bytes) -> None:
        self._is_over = not data
        pieces = self._stream.push(data) if data else self._stream.end()
        if self._stream.cut_off is not None:
            told, got = self._stream.cut_off
            self.warnings.append(f"expected {told} bytes of sound, as its header says, got {got}, which are read")
        for piece in pieces:
            format = (piece.sample_rate, piece.samples.shape[1])
            if self._format not in (None, format):
                raise SoundFileError("expected one format in all sounds of a pipe, got another one")
            self._format = format
            self._pieces.append(piece.samples)

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the samples that are there, as soon as there are any; none at the end."""
        while not self._pieces and not self._is_over:
            self._take(self.pipe.read())
        if not self._pieces:
            return np.empty((0, self.num_channels), np.int16)
        samples = self._pieces[0]
        if len(samples) > samples_per_channel:
            self._pieces[0] = samples[samples_per_channel:]
            return samples[:samples_per_channel]
        return self._pieces.pop(0)

    def skip(self, samples_per_channel: int) -> int:
        """Leaves out some of the next samples, and returns how many; 0 at the end."""
        return len(self.read(min(samples_per_channel, MAX_SKIPPED)))

    def rewind(self) -> None:
        """Raises OSError."""
        raise OSError(errno.ESPIPE, f"{os.strerror(errno.ESPIPE)}: expected a file to go back in, got a pipe")

    def close(self) -> None:
        """Does nothing: the pipe belongs to the caller."""
