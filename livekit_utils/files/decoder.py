"""Decoder decodes one sound of a file with libsndfile."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import soundfile

from livekit_utils._runtime.deferred_signals import deferred_signals
from livekit_utils.files.byte_ranges import ByteRanges
from livekit_utils.files.errors import SoundFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from livekit_utils.files.part import Part
    from livekit_utils.files.samples import Samples

# libsndfile reads these samples of at most 16 bits bit for bit. All others are read as float and converted by our own
# kernel, because libsndfile reads float files to int16 without scaling, and 24-bit files without rounding.
_S16_SUBTYPES = {"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"}

# SF_COUNT_MAX of libsndfile: the header of a FLAC file does not tell its length.
_UNKNOWN_COUNT = 0x7FFFFFFFFFFFFFFF

# Hz. No converter delivers more; a few bytes of a header could otherwise ask for gigabytes.
MAX_SAMPLE_RATE = 3_072_000
# As many as a mixer has.
MAX_CHANNELS = 128


class _OneWayFile(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is not seekable.

    In a seekable file, python-soundfile seeks after every read. MP3 loses the bits that a frame borrows from those
    before it, and a FLAC of unknown length fails at its end.
    """

    def seekable(self) -> bool:
        return False


class Decoder:
    """Decodes one sound, from its beginning to its end.

    Args:
        file: The file it lies in, which stays open.
        part: Where.
        damaged: Whether to read a damaged sound as far as it goes.

    Raises:
        SoundFileError: libsndfile does not know the codec, the format is out of all bounds, or the sound was cut off.
    """

    def __init__(self, file: BinaryIO, part: Part, *, damaged: bool = False) -> None:
        self._damaged = damaged
        self.damage = ""
        """What was wrong, of a sound that was read nevertheless."""
        self._raw = ByteRanges(file, part.ranges)
        with self._translated("expected a WAV, FLAC, OGG or MP3 file, but libsndfile cannot read it"):
            self._file = _OneWayFile(self._raw)  # pyright: ignore[reportArgumentType]
        self.sample_rate: int = self._file.samplerate
        self.num_channels: int = self._file.channels
        self.format: str = self._file.format
        self.subtype: str = self._file.subtype
        self.is_s16 = self.subtype in _S16_SUBTYPES
        """Whether its samples are int16, exact; float32 otherwise."""
        self._position = 0
        self._is_over = False
        num_told: int = self._file.frames
        if part.max_samples_per_channel is not None:
            num_told = min(num_told, part.max_samples_per_channel)
        self._num_told = num_told if part.tells_length and num_told < _UNKNOWN_COUNT else None
        self.samples_per_channel = None if damaged else self._num_told
        """The length; None if it is not known."""
        try:
            self._check(part)
        except SoundFileError:
            self.close()
            raise

    def _check(self, part: Part) -> None:
        if not 1 <= self.sample_rate <= MAX_SAMPLE_RATE:
            raise SoundFileError(f"expected a sample rate of 1 to {MAX_SAMPLE_RATE} Hz, got {self.sample_rate} Hz")
        if self.num_channels > MAX_CHANNELS:
            raise SoundFileError(f"expected at most {MAX_CHANNELS} channels, got {self.num_channels}")
        if part.found_samples_per_channel is not None:
            self._miss(part.found_samples_per_channel)

    def _miss(self, got: int) -> None:
        expected = f"expected {self._num_told} samples per channel, as its header says"
        self.damage = f"damaged or cut off: {expected}, got {got}"
        if not self._damaged:
            raise SoundFileError(self.damage)

    def read(self, samples_per_channel: int) -> Samples:
        """Returns the next samples; fewer, or none, at the end.

        Raises:
            SoundFileError: The sound is damaged, or shorter than its header says.
            OSError: The file cannot be read.
        """
        if self._num_told is not None:
            samples_per_channel = min(samples_per_channel, self._num_told - self._position)
        samples: Samples = np.empty((samples_per_channel, self.num_channels), np.int16 if self.is_s16 else np.float32)
        num_read = self._read_damaged(samples) if self._damaged else self._read_into(samples)
        self._position += num_read
        if num_read < samples_per_channel and self._num_told is not None:
            self._miss(self._position)
        return samples[:num_read]

    def _read_into(self, samples: npt.NDArray[Any]) -> int:
        with self._translated("decoding failed, the file is damaged or cut off"):
            return len(self._file.read(len(samples), out=samples))

    def _read_damaged(self, samples: Samples) -> int:
        """Reads up to the first error.

        python-soundfile does not tell how much it read before an error. So samples are read into a buffer of a value
        that no sample has: those that still have it were not read.
        """
        if self._is_over:
            return 0
        buffer: npt.NDArray[Any] = (
            np.full(samples.shape, 1, np.int32) if self.is_s16 else np.full(samples.shape, np.nan, np.float32)
        )
        try:
            num_read = self._read_into(buffer)
        except SoundFileError as error:
            self.damage = str(error)
            was_read = (buffer != 1 if self.is_s16 else ~np.isnan(buffer)).any(axis=1)
            num_read = int(np.flatnonzero(was_read)[-1]) + 1 if was_read.any() else 0
        self._is_over = num_read < len(samples)
        # libsndfile's int32 of a sample of at most 16 bits is that sample, shifted.
        samples[:num_read] = buffer[:num_read] >> 16 if self.is_s16 else buffer[:num_read]
        return num_read

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        try:
            with deferred_signals():  # libsndfile calls ByteRanges
                yield
        except soundfile.LibsndfileError as error:
            if self._raw.error is not None:
                raise self._raw.error from None
            reason = error.error_string.rstrip(".").removeprefix("Error : ")
            raise SoundFileError(f"{action} ({reason})") from error
        if self._raw.error is not None:
            raise self._raw.error

    def close(self) -> None:
        with deferred_signals():
            self._file.close()
        self._raw.close()
