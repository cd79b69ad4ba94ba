"""SoundReader reads the sound of a file, from its beginning to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from livekit_utils.files.contents import find_contents
from livekit_utils.files.decoder import Decoder
from livekit_utils.files.errors import ForeignFileError, SoundFileError
from livekit_utils.files.samples import as_floats

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from livekit_utils.files.part import Contents
    from livekit_utils.files.samples import Samples


class SoundReader:
    """Reads a WAV, FLAC, OGG or MP3 file: what its codec gives in one piece, in pieces of any size.

    A file that consists of several joined ones gives the sound of all of them; they must have one sample rate and one
    number of channels. What is strange about a file but does not harm its sound is in `warnings`.

    Args:
        file: Open for reading in binary, seekable; it stays open, and nobody else may read it meanwhile.
        damaged: Whether to read a damaged or cut-off file as far as it goes. What is wrong is in `warnings` when it was
            read; the length is not known before.
        contents: What is in the file, if that is known: a file without a header does not tell.

    Raises:
        SoundFileError: Not a sound file, or a damaged or cut-off one.
        OSError: The file cannot be read.
    """

    def __init__(self, file: BinaryIO, *, damaged: bool = False, contents: Contents | None = None) -> None:
        self._file = file
        self._damaged = damaged
        if contents is None:
            contents = find_contents(file)
        if contents.damages and not damaged:
            raise SoundFileError(contents.damages[0])
        self._parts = contents.parts
        self.warnings: list[str] = contents.warnings + contents.damages
        """One line each, without the name of the file."""
        self._next = 1
        """The part that is read after this one."""
        try:
            self._decoder = Decoder(file, self._parts[0], damaged=damaged)
        except ForeignFileError as error:
            error.warnings = self.warnings
            raise
        self.sample_rate = self._decoder.sample_rate
        self.num_channels = self._decoder.num_channels
        self.format = self._decoder.format
        self.subtype = self._decoder.subtype
        self.samples_per_channel: int | None = self._decoder.samples_per_channel
        """The length; None if the file does not tell it."""
        self.is_s16 = self._decoder.is_s16
        """Whether the samples are int16, exact; float32 otherwise."""
        try:
            self._look_at_others()
        except BaseException:
            self.close()
            raise

    @property
    def duration_s(self) -> float | None:
        """The length in seconds; None if the file does not tell it."""
        return None if self.samples_per_channel is None else self.samples_per_channel / self.sample_rate

    def _look_at_others(self) -> None:
        for index in range(1, len(self._parts)):
            decoder = self._open(index)
            decoder.close()
            self.is_s16 = self.is_s16 and decoder.is_s16
            if decoder.samples_per_channel is None or self.samples_per_channel is None:
                self.samples_per_channel = None
            else:
                self.samples_per_channel += decoder.samples_per_channel

    def _open(self, index: int) -> Decoder:
        decoder = Decoder(self._file, self._parts[index], damaged=self._damaged)
        if (decoder.sample_rate, decoder.num_channels) != (self.sample_rate, self.num_channels):
            decoder.close()
            expected = f"{self.sample_rate} Hz and {self.num_channels} channels, as the first"
            got = f"{decoder.sample_rate} Hz and {decoder.num_channels} channels"
            raise SoundFileError(f"expected all {len(self._parts)} sounds of a joined file to have {expected}, "
                                 f"got {got} in number {index + 1}")  # fmt: skip
        return decoder

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the next samples, as `livekit_utils.files.samples` says; fewer, or none, at the end.

        Raises:
            SoundFileError: The sound is damaged, or shorter than its header says.
            OSError: The file cannot be read.
        """
        pieces = [self._decoder.read(samples_per_channel)]
        while (missing := samples_per_channel - sum(map(len, pieces))) and self._has_next_part():
            pieces.append(self._decoder.read(missing))
        samples = pieces[0] if len(pieces) == 1 else np.concatenate(list(map(self._as_agreed, pieces)))
        return self._as_agreed(samples)

    def skip(self, samples_per_channel: int) -> int:
        """Leaves out up to so many of the next samples, and returns how many; 0 at the end. It does not take long.

        Raises:
            SoundFileError, OSError: As `read`.
        """
        num_skipped = self._decoder.skip(samples_per_channel)
        while not num_skipped and self._has_next_part():
            num_skipped = self._decoder.skip(samples_per_channel)
        return num_skipped

    def _has_next_part(self) -> bool:
        """Goes on with the next part; returns False if there is none."""
        if self._next == len(self._parts):
            return False
        self._close_part()
        self._decoder = self._open(self._next)
        self._next += 1
        return True

    def _as_agreed(self, samples: Samples) -> Samples:
        return samples if self.is_s16 else as_floats(samples)

    def rewind(self) -> None:
        """Goes back to the beginning."""
        self._close_part()
        self._decoder = self._open(0)
        self._next = 1

    def _close_part(self) -> None:
        self._decoder.close()
        if self._decoder.damage and self._decoder.damage not in self.warnings:
            self.warnings.append(self._decoder.damage)

    def close(self) -> None:
        self._close_part()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
