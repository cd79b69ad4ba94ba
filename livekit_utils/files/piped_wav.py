"""PipedWav reads a WAV that comes through a pipe, as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.piped_samples import PipedSound
from livekit_utils.files.wav_stream import WavStream

if TYPE_CHECKING:
    from livekit_utils.files.pipe_reader import PipeReader


class PipedWav(PipedSound):
    """Reads one WAV, or several of one format, one after the other. Their length is what comes.

    Args:
        pipe: The rest of the pipe.
        consumed: Bytes that were read from it already. What is read of the header is appended, for another decoder.

    Raises:
        SoundFileError: It is no WAV, or cut off in its header.
        ForeignFileError: It has another codec.
    """

    def __init__(self, pipe: PipeReader, consumed: bytearray) -> None:
        super().__init__(pipe)
        self._stream = WavStream()
        self._format: tuple[int, int] | None = None
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
