"""OutputFile makes a sound file that appears whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from livekit_utils.files.encoded_writer import EncodedWriter
from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.ogg import set_serial
from livekit_utils.files.stale_files import lock, new_name
from livekit_utils.files.wav_writer import WavWriter

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from livekit_utils.frames.audio_frame import AudioFrame

_OGG = {"ogg": "VORBIS", "opus": "OPUS"}


class OutputFile:
    """Writes a temporary file; `commit` gives it its name. Without `commit`, no file is left.

    Args:
        path: The output. Its folders are made.
        scratch: An existing folder for the temporary file; it is used where it lies on the file system of the output.
            None is the folder of the output.
        format: "wav", "flac", "ogg" or "opus".

    Raises:
        ValueError: The format cannot hold this rate or these channels.
        OSError: The folder cannot be written to.
        ImportError: soundfile is not installed.
    """

    def __init__(self, path: str, scratch: str | None, format: str, sample_rate: int, num_channels: int) -> None:
        self._target, self._format = path, format
        folder = os.path.dirname(path) or os.curdir
        os.makedirs(folder, exist_ok=True)
        if scratch is not None and os.stat(scratch).st_dev == os.stat(folder).st_dev:
            folder = scratch
        self._path = Path(folder, new_name(f".{format}"))
        self._file = GrowingFile(self._path, overwrite=False)
        try:
            lock(self._file.fileno())  # so that nobody sweeps it
            self._writer: WavWriter | EncodedWriter
            if format == "wav":
                self._writer = WavWriter(self._file, sample_rate, num_channels)
            elif format == "flac":
                self._writer = EncodedWriter(self._file, sample_rate, num_channels, "FLAC")
            else:
                self._writer = EncodedWriter(self._file, sample_rate, num_channels, "OGG", _OGG[format])
        except BaseException:
            self._remove()
            raise
        self._crc = 0
        self._is_open = True

    def write(self, frame: AudioFrame) -> None:
        """Appends a frame.

        Raises:
            OSError: The disk is full, or similar.
        """
        if self._format in _OGG:
            self._crc = zlib.crc32(frame.data, self._crc)
        self._writer.write(frame.data)

    def commit(self) -> tuple[int, str]:
        """Writes the file to the disk, gives it its name, and returns its size and its SHA-256.

        Raises:
            OSError: The disk is full, or similar.
        """
        self._is_open = False
        self._writer.close()
        with open(self._path, "rb+") as file:
            if self._format in _OGG:
                # Encoders choose it at random. The same sound has the same one here.
                set_serial(file, self._crc)
                file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._file.sync()
        size = self._file.size
        if os.name == "nt":
            self._file.close()  # an open file cannot be renamed there
        os.replace(self._path, self._target)
        return size, digest

    def _remove(self) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_open:
            self._is_open = False
            try:
                self._writer.close()
            except OSError:
                if error is None:
                    raise
        self._remove()
