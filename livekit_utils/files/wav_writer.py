"""WavWriter: writes a WAV file whose header can be made true at any time."""

from __future__ import annotations

import struct

from livekit_utils.files.growing_file import GrowingFile

# RIFF, room for the chunk `ds64`, `fmt `, and the head of `data`.
_HEADER = struct.Struct("<4sI4s 4sI28s 4sIHHIIHH 4sI")
_DS64 = struct.Struct("<QQQI")

# A RIFF states its size in 32 bits. A longer file is RF64 (EBU Tech 3306), which states it in 64 bits, in the room that
# is left for that: the file changes its kind in place, and loses nothing.
_MAX_RIFF_BYTES = 0xFFFFFFFF
_MAX_UINT32, _MAX_UINT16 = 0xFFFFFFFF, 0xFFFF


class WavWriter:
    """Writes 16-bit WAV.

    Raises:
        ValueError: WAV cannot hold this rate or these channels.
    """

    format, subtype = "WAV", "PCM_16"

    def __init__(self, file: GrowingFile, sample_rate: int, num_channels: int) -> None:
        self._num_bytes = 2 * num_channels  # of one sample of all channels
        if not 1 <= sample_rate <= _MAX_UINT32 or self._num_bytes > _MAX_UINT16:
            raise ValueError(f"a WAV file cannot hold {num_channels} channels at {sample_rate} Hz")
        if sample_rate * self._num_bytes > _MAX_UINT32:
            raise ValueError(f"a WAV file cannot hold {num_channels} channels at {sample_rate} Hz")
        self._file = file
        self._sample_rate, self._num_channels = sample_rate, num_channels

    @property
    def samples_per_channel(self) -> int:
        """Whole samples that are in the file."""
        return max(0, self._file.size - _HEADER.size) // self._num_bytes

    def write(self, samples: bytes | bytearray | memoryview) -> None:
        """Appends samples of all channels.

        Raises:
            OSError: Not all of them could be written.
        """
        if self._file.size == 0:
            self._file.append(self._header())
        self._file.append(samples)

    def settle(self) -> None:
        """Writes the header that is true for what is in the file."""
        if self._file.size:
            self._file.rewrite(0, self._header())

    def close(self) -> None:
        """Ends the file, also after an error: with whole samples and the right header."""
        if self._file.size == 0:
            return
        if self._file.size < _HEADER.size:
            self._file.cut(0)
            return
        self._file.cut(_HEADER.size + self.samples_per_channel * self._num_bytes)
        self.settle()

    def _header(self) -> bytes:
        num_data = self.samples_per_channel * self._num_bytes
        num_riff = num_data + _HEADER.size - 8
        kind, room, name = b"RIFF", bytes(28), b"JUNK"
        in_riff, in_data = num_riff, num_data
        if num_riff > _MAX_RIFF_BYTES:
            kind, name, in_riff, in_data = b"RF64", b"ds64", _MAX_UINT32, _MAX_UINT32
            room = _DS64.pack(num_riff, num_data, self.samples_per_channel, 0)
        rate, channels, num_bytes = self._sample_rate, self._num_channels, self._num_bytes
        return _HEADER.pack(
            *(kind, in_riff, b"WAVE", name, len(room), room),
            *(b"fmt ", 16, 1, channels, rate, rate * num_bytes, num_bytes, 16),
            *(b"data", in_data),
        )
