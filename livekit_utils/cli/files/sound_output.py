"""SoundOutput writes one file with libsndfile, and turns its errors into CliError."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import soundfile

from livekit_utils.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from livekit_utils.frames.audio_frame import AudioFrame

# Hz. libsndfile refuses higher rates only at the first write, and may crash when the file is closed.
_MAX_VORBIS_RATE = 200_000

_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)

# Of the integers in libsndfile's SF_INFO.
_MAX_INT = 0x7FFFFFFF


def _name_for_libsndfile(path: Path) -> Any:
    # python-soundfile encodes names strictly, and fails at one that is not UTF-8. It takes bytes too, though its types
    # do not say so.
    return os.fsencode(path) if os.name == "posix" else str(path)


class SoundOutput:
    """Writes the frames of one file, in order.

    Args:
        path: The file, which is made or replaced.
        name: Its name for errors.
        sample_rate: Hz.
        num_channels: 1 or more.
        format: "WAV", "RF64", "FLAC", "OGG" or "OPUS".

    Raises:
        CliError: The format cannot hold this, or the file cannot be written.
    """

    def __init__(self, path: Path, name: str, sample_rate: int, num_channels: int, format: str) -> None:
        if format == "OGG" and sample_rate > _MAX_VORBIS_RATE:
            raise CliError(
                f"{name}: expected a rate of up to {_MAX_VORBIS_RATE} Hz for Ogg Vorbis, got {sample_rate} Hz"
            )
        if format == "OPUS" and sample_rate not in _OPUS_RATES:
            rates = ", ".join(map(str, _OPUS_RATES))
            raise CliError(f"{name}: expected a rate of {rates} Hz for Opus, got {sample_rate} Hz; --rate 48k converts")
        if not 1 <= sample_rate <= _MAX_INT:
            raise CliError(f"{name}: expected a rate of 1 to {_MAX_INT} Hz, got {sample_rate}")
        if not 1 <= num_channels <= _MAX_INT:
            raise CliError(f"{name}: expected 1 to {_MAX_INT} channels, got {num_channels}")
        self._name = name
        self._path = path
        action = f"{format} cannot hold {num_channels} channels at {sample_rate} Hz, or the file cannot be written"
        subtype = {"OGG": "VORBIS", "OPUS": "OPUS"}.get(format, "PCM_16")
        with self._translated(action):
            target = _name_for_libsndfile(path)
            self._file = soundfile.SoundFile(
                target, "w", sample_rate, num_channels, subtype, format="OGG" if format == "OPUS" else format
            )
        self.format: str = self._file.format
        self.subtype: str = self._file.subtype

    def write(self, frame: AudioFrame) -> None:
        with self._translated("writing failed; is the disk full?"):
            # buffer_write makes a view that can crash the garbage collector if the traceback of an error keeps it.
            self._file.write(np.asarray(frame))

    def close(self) -> None:
        with self._translated("closing failed"):
            self._file.close()

    def check(self, samples_per_channel: int) -> None:
        """Reads the closed file back, because libsndfile does not report errors that happen while it closes a file.

        Raises:
            CliError: It has another length, or its last sample cannot be decoded.
        """
        expected = f"writing failed; is the disk full? Expected {samples_per_channel} samples per channel in the file"
        with (
            self._translated(f"{expected}, which cannot be read back"),
            soundfile.SoundFile(_name_for_libsndfile(self._path)) as file,
        ):
            num_found = file.frames
            if 0 < num_found == samples_per_channel:
                file.seek(num_found - 1)
                num_found += len(file.read(1)) - 1
        if num_found != samples_per_channel:
            raise CliError(f"{self._name}: {expected}, got {num_found}")

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        try:
            yield
        except soundfile.LibsndfileError as error:
            reason = error.error_string.rstrip(".").removeprefix("Error : ")
            raise CliError(f"{self._name}: {action} ({reason})") from error
        except AssertionError as error:
            # python-soundfile asserts that libsndfile has written all samples.
            raise CliError(f"{self._name}: {action} (short write)") from error
