"""SoundFile: libsndfile behind one door, where its errors become ours."""

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

# Samples of at most 16 bits, which libsndfile hands out bit for bit. Anything else is read as float and converted by
# our own kernel: asked for int16, libsndfile does not scale float files and cuts 24 bits without rounding.
_S16_SUBTYPES = {"PCM_16", "PCM_S8", "PCM_U8", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"}

# libsndfile finds out only at the first write, and may crash when such a file is closed.
_MAX_VORBIS_RATE = 200_000

# libsndfile's SF_COUNT_MAX, where the header of a FLAC does not tell.
_UNKNOWN_COUNT = 0x7FFFFFFFFFFFFFFF


class _OneWayFile(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is not seekable. Of any other, python-soundfile sets the position anew after every read, which at
    the end of a FLAC of unknown length fails."""

    def seekable(self) -> bool:
        return False


class _UnfinishedWav(io.FileIO):
    """A WAV with 0 as the size of its sound. libsndfile believes that unless the size of the RIFF chunk says that
    nothing was filled in, so it does."""

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
        # How python-soundfile reports that libsndfile took less than it was given.
        raise CliError(f"{name}: {action} (short write)") from error


def _name_for_libsndfile(path: Path) -> Any:
    # Bytes, of which python-soundfile's types know nothing: it encodes names strictly, and fails at one that is not
    # UTF-8.
    return os.fsencode(path) if os.name == "posix" else str(path)


class SoundFile:
    """One open file; frames go in or come out, in order.

    Args:
        file: An open `soundfile.SoundFile`; use `open_input` and `open_output`.
        name: For errors.
    """

    def __init__(self, file: soundfile.SoundFile, name: str) -> None:
        self._file = file
        self._raw: _UnfinishedWav | None = None
        self._name = name
        self.sample_rate: int = file.samplerate
        self.num_channels: int = file.channels
        self.num_frames: int | None = file.frames
        """None: the header does not tell."""
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
            sound_file.num_frames = None
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

    def read(self, num_frames: int) -> AudioFrame:
        """The next frames; fewer, or none, at the end."""
        read_s16 = self.subtype in _S16_SUBTYPES
        with _translated(self._name, "decoding failed, the file is damaged or cut off"):
            samples: Any = self._file.read(num_frames, dtype="int16" if read_s16 else "float32", always_2d=True)
        data = samples if read_s16 else f32_to_s16(samples)
        return AudioFrame(data, self.sample_rate, self.num_channels, len(samples))

    def holds(self, num_frames: int) -> bool:
        """Whether the file is so long, and its last frame can be decoded; loses the place of `read`."""
        if self.num_frames != num_frames or num_frames == 0:
            return self.num_frames == num_frames
        with _translated(self._name, "decoding failed, the file is damaged or cut off"):
            self._file.seek(num_frames - 1)
            return len(self._file.read(1)) == 1

    def write(self, frame: AudioFrame) -> None:
        with _translated(self._name, "writing failed; is the disk full?"):
            # Not buffer_write: the view it makes, kept by the traceback of an error, can crash the garbage collector.
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
