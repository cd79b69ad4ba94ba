"""PlainOutput writes one file whose samples are plain numbers or G.711: WAV, AU, or without a header."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import livekit_utils._kernels.g711 as g711
import livekit_utils._kernels.pcm as pcm
from livekit_utils.cli.errors import CliError
from livekit_utils.files.plain_headers import au_header, num_bytes_of, wav_header

if TYPE_CHECKING:
    from pathlib import Path

    from livekit_utils.frames.audio_frame import AudioFrame

# libsndfile's names.
_SUBTYPES = {
    "ulaw": "ULAW",
    "alaw": "ALAW",
    "u8": "PCM_U8",
    "s16": "PCM_16",
    "s24": "PCM_24",
    "s32": "PCM_32",
    "f32": "FLOAT",
    "f64": "DOUBLE",
}


class PlainOutput:
    """Writes the frames of one file, in order. Stands where a SoundOutput does.

    Args:
        path: The file, which is made or replaced.
        name: Its name for errors.
        sample_rate: Hz.
        num_channels: 1 or more.
        samples_per_channel: The length that it will have.
        container: "WAV", "AU" or "RAW".
        encoding: As `livekit_utils.AudioByteStream` names them.

    Raises:
        CliError: The container cannot hold this.
        OSError: The file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        sample_rate: int,
        num_channels: int,
        samples_per_channel: int,
        container: str,
        encoding: str,
    ) -> None:
        self.format, self.subtype = container, subtype_of(encoding)
        self._name, self._path, self._encoding = name, path, encoding
        self._num_bytes = num_channels * num_bytes_of(encoding)
        try:
            self._header = b""
            if container != "RAW":
                make = wav_header if container == "WAV" else au_header
                self._header = make(encoding, sample_rate, num_channels, samples_per_channel)
        except struct.error:
            text = f"{container} cannot hold {num_channels} channels at {sample_rate} Hz"
            raise CliError(f"{name}: {text}") from None
        self._padding = samples_per_channel * self._num_bytes % 2 if container == "WAV" else 0
        self._file = path.open("wb")
        self._file.write(self._header)

    def write(self, frame: AudioFrame) -> None:
        """Appends a frame.

        Raises:
            OSError: The disk is full.
        """
        self._file.write(encoded(frame, self._encoding))

    def write_encoded(self, samples: bytes) -> None:
        """Appends samples that are encoded already.

        Raises:
            OSError: The disk is full.
        """
        self._file.write(samples)

    def close(self) -> None:
        """Closes the file; a second call does nothing.

        Raises:
            OSError: The disk is full.
        """
        if not self._file.closed:
            self._file.write(bytes(self._padding))
            self._file.close()

    def check(self, samples_per_channel: int) -> None:
        """Looks at the size of the closed file.

        Raises:
            CliError: It has another length.
        """
        expected = len(self._header) + samples_per_channel * self._num_bytes + self._padding
        got = self._path.stat().st_size
        if got != expected:
            raise CliError(f"{self._name}: writing failed; is the disk full? Expected {expected} bytes, got {got}")


def subtype_of(encoding: str) -> str:
    """Returns libsndfile's name of an encoding."""
    return _SUBTYPES[encoding.removesuffix("le").removesuffix("be")]


def encoded(frame: AudioFrame, encoding: str) -> bytes | bytearray:
    """Returns the samples of a frame as bytes."""
    if encoding == "ulaw":
        return g711.s16_to_ulaw(frame)
    if encoding == "alaw":
        return g711.s16_to_alaw(frame)
    return pcm.from_s16(frame, encoding)[0]
