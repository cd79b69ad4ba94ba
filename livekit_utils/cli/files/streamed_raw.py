"""StreamedRaw writes samples without a header to standard output as they come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.plain_output import encoded, subtype_of

if TYPE_CHECKING:
    from livekit_utils.frames.audio_frame import AudioFrame


class StreamedRaw:
    """Writes samples of one encoding. Stands where a StreamedWav does.

    Args:
        encoding: As `livekit_utils.AudioByteStream` names them.

    Raises:
        CliError: Standard output is a terminal.
    """

    format = "RAW"

    def __init__(self, encoding: str) -> None:
        if sys.stdout.isatty():
            raise CliError("-: expected standard output to be a pipe or a file, got a terminal")
        self.subtype = subtype_of(encoding)
        self._encoding = encoding

    def write(self, frame: AudioFrame) -> None:
        """Writes a frame at once.

        Raises:
            OSError: Nobody reads it, or the disk is full.
        """
        self.write_encoded(encoded(frame, self._encoding))

    def write_encoded(self, samples: bytes | bytearray) -> None:
        """Writes samples that are encoded already, at once.

        Raises:
            OSError: Nobody reads it, or the disk is full.
        """
        sys.stdout.buffer.write(samples)
        sys.stdout.buffer.flush()

    def commit(self) -> None:
        """Does nothing: all is written."""

    def close(self) -> None:
        """Does nothing: standard output stays open."""
