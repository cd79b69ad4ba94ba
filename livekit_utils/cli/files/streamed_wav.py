"""StreamedWav writes a WAV to standard output as its samples come."""

from __future__ import annotations

import os
import stat
import struct
import sys
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.errors import CliError

if TYPE_CHECKING:
    from livekit_utils.frames.audio_frame import AudioFrame

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")

# What a header says where nobody knows the length yet; ffmpeg writes it, too, and readers take it for "to the end".
_UNKNOWN = 0xFFFFFFFF
_MAX_BYTES = _UNKNOWN - _HEADER.size


class StreamedWav:
    """Writes 16-bit WAV. Nothing is written before the first sample.

    The header states the length if that is known. If it is not, or is more than a header can state, it says so; where
    standard output is a file, the header gets the length in the end.

    Args:
        sample_rate: Hz.
        num_channels: 1 or more.
        samples_per_channel: The length; 0 if it is not known.

    Raises:
        CliError: Standard output is a terminal, or WAV cannot hold this rate or these channels.
    """

    format, subtype = "WAV", "PCM_16"

    def __init__(self, sample_rate: int, num_channels: int, samples_per_channel: int) -> None:
        if sys.stdout.isatty():
            raise CliError("-: expected standard output to be a pipe or a file, got a terminal")
        if not (1 <= sample_rate <= 0xFFFFFFFF // (2 * num_channels) and 1 <= num_channels <= 0x7FFF):
            raise CliError(f"-: WAV cannot hold {num_channels} channels at {sample_rate} Hz")
        self._sample_rate, self._num_channels = sample_rate, num_channels
        self._told = samples_per_channel
        self._num_written = 0
        self._begins_at: int | None = None
        self._has_begun = False
        self._out = sys.stdout.buffer

    def write(self, frame: AudioFrame) -> None:
        """Writes a frame at once.

        Raises:
            OSError: Nobody reads it, or the disk is full.
        """
        self._begin()
        self._out.write(np.asarray(frame).astype("<i2", copy=False).tobytes())
        self._out.flush()
        self._num_written += frame.samples_per_channel

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            self._begins_at = _position_in_file()
            self._out.write(self._header(self._told))
            self._out.flush()

    def _header(self, samples_per_channel: int) -> bytes:
        num_bytes = 2 * self._num_channels
        in_data = samples_per_channel * num_bytes
        in_riff = in_data + _HEADER.size - 8
        if not samples_per_channel or in_data > _MAX_BYTES:
            in_riff = in_data = _UNKNOWN
        return _HEADER.pack(
            *(b"RIFF", in_riff, b"WAVE", b"fmt ", 16, 1, self._num_channels),
            *(self._sample_rate, self._sample_rate * num_bytes, num_bytes, 16, b"data", in_data),
        )

    def commit(self) -> None:
        """Ends it: also without a sample it is a WAV.

        Raises:
            OSError: As `write`.
        """
        self._begin()
        self.close()

    def close(self) -> None:
        """Has the header state what was written, where that can be written over."""
        if self._begins_at is None or self._num_written == self._told:
            return
        self._told = self._num_written
        os.pwrite(sys.stdout.fileno(), self._header(self._num_written), self._begins_at)


def _position_in_file() -> int | None:
    """Returns where the next byte of standard output lies in its file; None if it is none, or can only grow."""
    try:
        number = sys.stdout.fileno()
        if os.name != "posix" or not stat.S_ISREG(os.fstat(number).st_mode):
            return None
        import fcntl

        if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_APPEND:
            return None
        return os.lseek(number, 0, os.SEEK_CUR)
    except (OSError, ValueError):  # it is none of the system's
        return None
