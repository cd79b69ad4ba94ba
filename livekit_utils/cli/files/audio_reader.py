"""AudioReader: a sound file as a stream of frames."""

from __future__ import annotations

import stat
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

    Samples of up to 16 bits come out bit for bit, all others rounded to the nearest and saturated.

    Args:
        path: The file.

    Raises:
        CliError: No sound file, or one that is damaged or was cut off.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Before opening it: that of a named pipe would wait for a writer.
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
        self.num_frames = self._count() if self._file.num_frames is None else self._file.num_frames

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.num_frames / self.sample_rate

    def blocks(self) -> Iterator[AudioFrame]:
        """All of the file, once.

        Raises:
            CliError: It cannot be decoded, or gives another number of frames than its header promises.
        """
        position = 0
        block = max(1, self.sample_rate // 10)
        while frame := self._read(block):
            position += frame.samples_per_channel
            yield frame
        if position != self.num_frames:
            expected = f"expected {self.num_frames} frames, as its header says"
            raise CliError(f"{self.path}: damaged or cut off: {expected}, got {position}")

    def holds(self, num_frames: int) -> bool:
        """Whether the file is so long, to its last frame; loses the place of `blocks`."""
        return self._file.holds(num_frames)

    def _read(self, num_frames: int) -> AudioFrame | None:
        frame = self._file.read(num_frames)
        return frame if frame.samples_per_channel else None

    def _count(self) -> int:
        """The length of a file whose header does not tell it, by decoding it once before."""
        with SoundFile.open_input(self.path, str(self.path)) as file:
            num_frames = 0
            while num_read := file.read(file.sample_rate).samples_per_channel:
                num_frames += num_read
            return num_frames

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
