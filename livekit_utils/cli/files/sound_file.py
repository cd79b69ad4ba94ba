"""SoundFile reads and writes one file with libsndfile, and turns its errors into CliError."""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from livekit_utils._kernels.convert import f32_to_s16
from livekit_utils.cli.errors import CliError
from livekit_utils.frames.audio_frame import AudioFrame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

# libsndfile reads these samples of at most 16 bits bit for bit. All others are read as float and converted by our own
# kernel, because libsndfile reads float files to int16 without scaling, and 24-bit files without rounding.
_S16_SUBTYPES = {"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"}

# Hz. libsndfile refuses higher rates only at the first write, and may crash when the file is closed.
_MAX_VORBIS_RATE = 200_000

# SF_COUNT_MAX of libsndfile: the header of a FLAC file does not tell its length.
_UNKNOWN_COUNT = 0x7FFFFFFFFFFFFFFF


class _OneWayFile(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is not seekable.

    In a seekable file, python-soundfile seeks after every read, which fails at the end of a FLAC of unknown length.
    """

    def seekable(self) -> bool:
        return False


class _UnfinishedWav(io.FileIO):
    """A WAV whose header states 0 bytes of sound.

    libsndfile reads such a file to its end only if its RIFF chunk has the size 8, so that is what it is given.
    """

    def readinto(self, buffer: Any) -> int:
        start = self.tell()
        num_bytes = super().readinto(buffer)
        view = memoryview(buffer).cast("B")
        for position in range(max(start, 4), min(start + num_bytes, 8)):
            view[position - start] = 8 if position == 4 else 0
        return num_bytes


@contextmanager
def _translated(name: str, action: str) -> Iterator[None]:
    try:
        yield
    except soundfile.LibsndfileError as error:
        reason = error.error_string.rstrip(".").removeprefix("Error : ")
        raise CliError(f"{name}: {action} ({reason})") from error
    except AssertionError as error:
        # python-soundfile asserts that libsndfile has written all samples.
        raise CliError(f"{name}: {action} (short write)") from error


def _name_for_libsndfile(path: Path) -> Any:
    # python-soundfile encodes names strictly, and fails at one that is not UTF-8. It takes bytes too, though its types
    # do not say so.
    return os.fsencode(path) if os.name == "posix" else str(path)


class SoundFile:
    """Reads or writes frames of one open file, in order. Use `open_input` and `open_output` to make one.

    Args:
        file: An open `soundfile.SoundFile`.
        name: The name for errors.
    """

    def __init__(self, file: soundfile.SoundFile, name: str) -> None:
        self._file = file
        self._raw: _UnfinishedWav | None = None
        self._name = name
        self.sample_rate: int = file.samplerate
        self.num_channels: int = file.channels
        self.samples_per_channel: int | None = file.frames
        """The length of an input; None if its header does not tell."""
        self.format: str = file.format
        self.subtype: str = file.subtype

    @classmethod
    def open_input(cls, path: Path, name: str, *, is_unfinished_wav: bool = False) -> Self:
        with _translated(name, "expected a WAV, FLAC, OGG or MP3 file, but libsndfile cannot read it"):
            if is_unfinished_wav:
                raw = _UnfinishedWav(path)
                sound_file = cls(soundfile.SoundFile(raw), name)
                sound_file._raw = raw
                return sound_file
            try:
                file = soundfile.SoundFile(_name_for_libsndfile(path))
            except TypeError as error:
                # A file called .raw, for which soundfile asks the caller for the format.
                raise CliError(f"{name}: expected a WAV, FLAC, OGG or MP3 file, got a name for raw samples") from error
            if file.frames < _UNKNOWN_COUNT:
                return cls(file, name)
            file.close()
            sound_file = cls(_OneWayFile(_name_for_libsndfile(path)), name)
            sound_file.samples_per_channel = None
            return sound_file

    @classmethod
    def open_output(cls, path: Path, name: str, sample_rate: int, num_channels: int, format: str) -> Self:
        if format == "OGG" and sample_rate > _MAX_VORBIS_RATE:
            raise CliError(
                f"{name}: expected a rate of up to {_MAX_VORBIS_RATE} Hz for Ogg Vorbis, got {sample_rate} Hz"
            )
        action = f"{format} cannot hold {num_channels} channels at {sample_rate} Hz, or the file cannot be written"
        subtype = "VORBIS" if format == "OGG" else "PCM_16"
        with _translated(name, action):
            target = _name_for_libsndfile(path)
            return cls(soundfile.SoundFile(target, "w", sample_rate, num_channels, subtype, format=format), name)

    def read(self, samples_per_channel: int) -> AudioFrame:
        """Returns the next frame. At the end of the file it is shorter, or empty."""
        read_s16 = self.subtype in _S16_SUBTYPES
        with _translated(self._name, "decoding failed, the file is damaged or cut off"):
            samples: Any = self._file.read(
                samples_per_channel, dtype="int16" if read_s16 else "float32", always_2d=True
            )
        data = samples if read_s16 else f32_to_s16(samples)
        return AudioFrame(data, self.sample_rate, self.num_channels, len(samples))

    def holds(self, samples_per_channel: int) -> bool:
        """Returns whether the file has this length and its last sample can be decoded; moves the position of `read`."""
        if self.samples_per_channel != samples_per_channel or samples_per_channel == 0:
            return self.samples_per_channel == samples_per_channel
        with _translated(self._name, "decoding failed, the file is damaged or cut off"):
            self._file.seek(samples_per_channel - 1)
            return len(self._file.read(1)) == 1

    def write(self, frame: AudioFrame) -> None:
        with _translated(self._name, "writing failed; is the disk full?"):
            # buffer_write makes a view that can crash the garbage collector if the traceback of an error keeps it.
            self._file.write(np.asarray(frame))

    def close(self) -> None:
        with _translated(self._name, "closing failed"):
            self._file.close()
        if self._raw is not None:
            self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
