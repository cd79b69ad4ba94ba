"""PipedSound: reads a sound that comes through a pipe, as it comes."""

from __future__ import annotations

import errno
import os
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.files.sound import MAX_SKIPPED

if TYPE_CHECKING:
    from livekit_utils.files.pipe_reader import PipeReader
    from livekit_utils.files.samples import Samples


class PipedSound(ABC):
    """Gives the samples of a pipe. Their number is what comes.

    Args:
        pipe: The rest of the pipe.
    """

    sample_rate: int
    num_channels: int
    format: str
    subtype: str
    is_s16: bool
    """Whether the samples are int16, exact; float32 otherwise."""

    def __init__(self, pipe: PipeReader) -> None:
        self.pipe = pipe
        self._pieces: list[Samples] = []
        self._is_over = False
        self.warnings: list[str] = []
        self.samples_per_channel: int | None = None
        self.duration_s: float | None = None

    @abstractmethod
    def _take(self, data: bytes) -> None:
        """Appends the samples in some bytes; no bytes are the end."""

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the samples that are there, as soon as there are any; none at the end."""
        while not self._pieces and not self._is_over:
            self._take(self.pipe.read())
        if not self._pieces:
            return np.empty((0, self.num_channels), np.int16)
        samples = self._pieces[0]
        if len(samples) > samples_per_channel:
            self._pieces[0] = samples[samples_per_channel:]
            return samples[:samples_per_channel]
        return self._pieces.pop(0)

    def skip(self, samples_per_channel: int) -> int:
        """Leaves out some of the next samples, and returns how many; 0 at the end."""
        return len(self.read(min(samples_per_channel, MAX_SKIPPED)))

    def rewind(self) -> None:
        """Raises OSError."""
        raise OSError(errno.ESPIPE, f"{os.strerror(errno.ESPIPE)}: expected a file to go back in, got a pipe")

    def close(self) -> None:  # noqa: B027 (it may be replaced)
        """Does nothing: the pipe belongs to the caller."""
