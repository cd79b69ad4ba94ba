"""RecordingFile: a sound file that is written while it is recorded, and is whole whatever ends it."""

from __future__ import annotations

import os
from pathlib import Path

from livekit_utils._runtime.lifecycle import AsyncClosing
from livekit_utils.files.growing_file import GrowingFile
from livekit_utils.files.line_file import LineFile
from livekit_utils.files.wav_writer import WavWriter
from livekit_utils.files.write_behind import WriteBehind, Writer

# Time in seconds for which the end of the thread is waited for at once.
_TURN_S = 0.5

SOUND_FORMATS = {"wav": "WAV", "flac": "FLAC", "ogg": "OGG", "opus": "OGG"}


class RecordingFile(AsyncClosing):
    """Records 16-bit WAV, FLAC or Ogg Opus. A thread writes, until the file is closed; its memory is bounded.

    The file has its name from the beginning. A process that is killed leaves a file that can be read, but for the last
    half of a second. A WAV of more than 4 GiB becomes RF64. When the disk is full, the file is closed with what is in
    it, which is logged once; the error is raised on closing. A file without a sample is not left: a new one is removed,
    and one that was to be overwritten stays as it was.

    Args:
        file: The path.
        sample_rate: Hz.
        num_channels: 1 or more.
        format: "wav", "flac", "ogg" or "opus" (Ogg Opus both); by the suffix of the path if None.
        overwrite: Whether an existing file may be replaced.

    Raises:
        FileExistsError: The file exists, or a file with marks for it.
        ValueError: The format is unknown, or cannot hold this rate or these channels.
        ImportError: FLAC and OGG need soundfile.
        OSError: The file cannot be written to.

    Threads: `write` and `silence` for one thread.
    """

    def __init__(
        self,
        file: str | os.PathLike[str],
        sample_rate: int,
        num_channels: int,
        *,
        format: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(file)
        kind = self._kind(format)
        self.sample_rate, self.num_channels = sample_rate, num_channels
        growing = GrowingFile(self.path, overwrite=overwrite)
        try:
            self._marks = LineFile(Path(f"{self.path}.marks.jsonl"), overwrite=overwrite)
            writer = self._make_writer(growing, kind)
            self._behind = WriteBehind(growing, writer, 2 * num_channels, self._marks)
        except BaseException:
            growing.close()
            raise
        self.format, self.subtype = writer.format, writer.subtype
        self.samples_per_channel = 0
        """Length of what was recorded, of which the last quarter of a second may not be written yet."""

    def _kind(self, format: str | None) -> str:
        return format_of(self.path, format)

    def _make_writer(self, file: GrowingFile, kind: str) -> Writer:
        if kind == "WAV":
            return WavWriter(file, self.sample_rate, self.num_channels)
        from livekit_utils.files.encoded_writer import EncodedWriter  # it needs soundfile

        return EncodedWriter(file, self.sample_rate, self.num_channels, kind)

    @property
    def error(self) -> OSError | None:
        """Why writing has ended before the recording did; None while all is well."""
        return self._behind.error

    @property
    def is_whole(self) -> bool:
        """Whether the file is closed, with everything in it."""
        return self._behind.done.happened and self._behind.error is None

    @property
    def num_lost(self) -> int:
        """Samples per channel that silence was written for, because the disk was too slow."""
        return self._behind.num_lost

    def write(self, samples: bytes | bytearray | memoryview) -> None:
        """Appends int16 samples of all channels, interleaved; they are copied, and written later.

        Raises:
            RuntimeError: The file is closed.
        """
        self._check_open()
        if self.error is not None:
            return
        samples = bytes(samples)
        self.samples_per_channel += len(samples) // (2 * self.num_channels)
        self._behind.write(samples)

    def silence(self, samples_per_channel: int) -> None:
        """Appends silence of any length.

        Raises:
            RuntimeError: The file is closed.
        """
        self._check_open()
        if self.error is None and samples_per_channel > 0:
            self.samples_per_channel += samples_per_channel
            self._behind.silence(samples_per_channel)

    @property
    def has_tail(self) -> bool:
        """Whether `tail` is of use: in a WAV, samples can be written over."""
        return self.format == "WAV"

    def tail(self, samples: bytes | bytearray | memoryview) -> None:
        """Notes samples that lie behind all others for now. They are in the file if the program is killed; else what is
        written next replaces them.

        Raises:
            RuntimeError: The file is closed.
        """
        self._check_open()
        if self.error is None:
            self._behind.tail(bytes(samples))

    def mark(self, line: str) -> None:
        """Appends a line of text to the file `<file>.marks.jsonl` beside it, which is made for the first one. After an
        error, it does nothing, as `write`.

        Raises:
            RuntimeError: The file is closed.
        """
        self._check_open()
        if self.error is None:
            self._behind.mark(line)

    def end(self) -> None:
        """Has the file closed when everything is in it, without waiting; `aclose` waits. No more may be written."""
        self._behind.end()

    def close(self) -> None:
        """Waits until everything is in the file, and closes it. A second call does nothing.

        Raises:
            OSError: Not everything could be written. The file is closed, with what could be.
        """
        if not self._closed:
            self._closed = True
            self._behind.end()
            self._behind.done.wait()
            self._raise()

    async def aclose(self) -> None:
        """Does what `close` does without blocking the event loop. A second call waits as well, and raises nothing."""
        first, self._closed = not self._closed, True
        self._behind.end()
        # In turns: a loop without any timer may have a clock that does not move.
        while not await self._behind.done.happens(_TURN_S):
            pass
        if first:
            self._raise()

    def _raise(self) -> None:
        if self.error is not None:
            raise self.error

    def __repr__(self) -> str:
        return f"RecordingFile({str(self.path)!r}, {self.sample_rate}, {self.num_channels})"


def format_of(path: Path, format: str | None) -> str:
    """Returns "WAV", "FLAC" or "OGG".

    Raises:
        ValueError: It is none of them.
    """
    return choose_format(path, format, SOUND_FORMATS)


def choose_format(path: Path, format: str | None, formats: dict[str, str]) -> str:
    """Returns what a table says of the format, or of the suffix of the path where it is None.

    Raises:
        ValueError: It is not in the table.
    """
    name = path.suffix.removeprefix(".") if format is None else format
    kind = formats.get(name.lower())
    if kind is not None:
        return kind
    if format is None:
        suffixes = ", ".join(f".{known}" for known in formats)
        raise ValueError(f"file: expected a name that ends in {suffixes}, got {path.suffix or 'none'}")
    raise ValueError(f"format: expected one of {', '.join(map(repr, formats))}, got {format!r}")
