"""Source reads one input, and notes what it was."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from livekit_utils.files.errors import SoundFileError
from livekit_utils.files.open_sound import open_sound
from livekit_utils.files.samples import peak_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from livekit_utils.files.samples import Samples

# Values that are read at a time: 4 s of mono at 16 kHz.
_BLOCK = 1 << 16


class Source:
    """Reads the sound of a file, as often as it is asked to.

    Args:
        path: The file.

    Raises:
        SoundFileError: It is damaged, or has no sound that libsndfile or PyAV decodes.
        OSError: It cannot be opened or read.
        ImportError: What decodes it is not installed.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        # Before it is opened, because opening a named pipe waits for a writer.
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()  # the reason why a folder of the inputs cannot be read
        if not stat.S_ISREG(mode):
            raise SoundFileError("expected a regular file, got a folder, a pipe or a device")
        self._file = open(path, "rb")  # noqa: SIM115
        try:
            self.stat = self._stat()
            self._sound = open_sound(self._file)
        except BaseException:
            self._file.close()
            raise
        self.sample_rate, self.num_channels = self._sound.sample_rate, self._sound.num_channels
        self.is_s16 = self._sound.is_s16
        self.warnings = self._sound.warnings
        self.samples_per_channel = 0
        """Samples that were read, at most."""
        self._is_new = True

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._file.fileno())
        return found.st_size, found.st_mtime_ns

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[Samples]:
        """Yields the samples from the beginning, or a part of them.

        Raises:
            SoundFileError: It is damaged, or has changed since it was opened.
            OSError: It cannot be read.
        """
        if not self._is_new:
            self._sound.rewind()
        self._is_new = False
        position = 0
        while position < start and (num_skipped := self._sound.skip(start - position)):
            position += num_skipped
        block = max(1, _BLOCK // self.num_channels)
        while num_wanted := block if end is None else min(block, end - position):
            samples = self._sound.read(num_wanted)
            if not len(samples):
                break
            position += len(samples)
            yield samples
        self.samples_per_channel = max(self.samples_per_channel, position)
        if self._stat() != self.stat:
            raise SoundFileError("expected a file that does not change while it is read")

    def find_peak(self, start: int = 0, end: int | None = None) -> float:
        """Returns the highest absolute value of a part, where 1.0 is full scale. All of the part is read for this.

        Raises:
            SoundFileError, OSError: As `blocks`.
        """
        return peak_of(self.blocks(start, end))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._sound.close()
        self._file.close()
