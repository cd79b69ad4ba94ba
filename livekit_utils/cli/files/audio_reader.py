"""AudioReader reads a sound file as a stream of frames."""

from __future__ import annotations

import stat
from fractions import Fraction
from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.container import check_container
from livekit_utils.cli.files.sound_file import SoundFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from livekit_utils.frames.audio_frame import AudioFrame


class AudioReader:
    """Reads a WAV, FLAC, OGG or MP3 file in blocks of 100 ms, as int16.

    Samples of up to 16 bits are read bit for bit; all others are rounded to the nearest and saturated.

    Args:
        path: The file.

    Raises:
        CliError: Not a sound file, or a damaged or cut-off one.
        OSError: The file cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # This comes before the file is opened, because opening a named pipe waits for a writer.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise CliError(f"{path}: expected a sound file, got a directory")
        if not stat.S_ISREG(mode):
            raise CliError(f"{path}: expected a regular file, got a pipe or a device")
        with path.open("rb") as file:
            is_unfinished = check_container(file, str(path))
        self._file = SoundFile.open_input(path, str(path), is_unfinished_wav=is_unfinished)
        self.sample_rate = self._file.sample_rate
        self.num_channels = self._file.num_channels
        self.format = self._file.format
        self.subtype = self._file.subtype
        self.samples_per_channel = (
            self._count() if self._file.samples_per_channel is None else self._file.samples_per_channel
        )

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples_per_channel / self.sample_rate

    def length_at(self, sample_rate: int) -> int:
        """Returns the samples per channel after a conversion to another sample rate."""
        return round(Fraction(self.samples_per_channel * sample_rate, self.sample_rate))

    def blocks(self) -> Iterator[AudioFrame]:
        """Yields all frames of the file, once.

        Raises:
            CliError: The file cannot be decoded, or has another length than its header says.
        """
        position = 0
        block = max(1, self.sample_rate // 10)
        while frame := self._read(block):
            position += frame.samples_per_channel
            yield frame
        if position != self.samples_per_channel:
            expected = f"expected {self.samples_per_channel} samples per channel, as its header says"
            raise CliError(f"{self.path}: damaged or cut off: {expected}, got {position}")

    def holds(self, samples_per_channel: int) -> bool:
        """Returns whether the file has this length and can be decoded at its end. It moves the position of `blocks`."""
        return self._file.holds(samples_per_channel)

    def _read(self, samples_per_channel: int) -> AudioFrame | None:
        frame = self._file.read(samples_per_channel)
        return frame if frame.samples_per_channel else None

    def _count(self) -> int:
        """Returns the length of a file whose header does not tell it, by decoding the file."""
        with SoundFile.open_input(self.path, str(self.path)) as file:
            samples_per_channel = 0
            while num_read := file.read(file.sample_rate).samples_per_channel:
                samples_per_channel += num_read
            return samples_per_channel

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
