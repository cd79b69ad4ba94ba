"""Job says what is to be done with one file."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from livekit_utils._runtime.arguments import check_choice, check_int, check_number
from livekit_utils.conversion.engines import AudioResamplerQuality
from livekit_utils.files.recording_file import choose_format
from livekit_utils.signals.normalization import Normalization

_MAX_RATE = 1_073_741_823
_MAX_CHANNELS = 128

# Seconds: a day.
_MAX_OFFSET_S = 86_400.0

# dB, of an input of a mix; the mixer multiplies by less than 128.
_MIN_DB, _MAX_DB = -120.0, 40.0

FORMATS = {"wav": "wav", "flac": "flac", "ogg": "ogg", "opus": "opus"}
"""By suffix or name: 16-bit WAV and FLAC, Ogg Vorbis, Ogg Opus."""


@dataclass(frozen=True)
class MixInput:
    """One of the files of a mix.

    Args:
        path: The file.
        gain_db: -120 to 40.
        offset_s: Where it begins in the mix, in seconds, up to a day.
        snr_db: Instead of a gain: the RMS of the first input is so many dB above that of this one, -120 to 120. Both
            are measured over what is heard of them in the mix.
        loop: Whether it begins again at its end, until all that do not loop have ended.

    Raises:
        ValueError: An argument is out of range, or there is both a gain and a signal-to-noise ratio.
        TypeError: An argument has the wrong type.
    """

    path: str
    gain_db: float = 0.0
    offset_s: float = 0.0
    snr_db: float | None = None
    loop: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", os.fsdecode(self.path))
        check_number("gain_db", self.gain_db, _MIN_DB, _MAX_DB)
        check_number("offset_s", self.offset_s, 0, _MAX_OFFSET_S)
        if self.snr_db is not None:
            check_number("snr_db", self.snr_db, -120, 120)
            if self.gain_db:
                raise ValueError(f"gain_db: expected none beside snr_db, got {self.gain_db}")


@dataclass(frozen=True)
class Job:
    """Says what is to be done with one file, or with several that are mixed. It can be pickled.

    Args:
        input: A path, or the inputs of a mix: `MixInput`s or paths.
        output: The path of the file to make. Its folders are made.
        sample_rate: Hz, 1 to 1073741823; None is that of the input, or the highest of a mix.
        num_channels: 1 to 128; None is that of the input, or the highest of a mix. Mono is copied to all, and several
            are averaged to mono.
        format: "wav", "flac" (16 bits), "ogg" (Vorbis) or "opus" (in Ogg); None is that of the output's suffix.
        quality: Of the resampler, an `AudioResamplerQuality` or its string.
        normalize: A peak in dBFS, "-1", or a loudness, "-16LUFS", as for the command `convert`.
        gain_db: -120 to 40, of the output; 0 beside `normalize`. It comes before anything is rounded, so that what
            lies above full scale in a file of floats or in a lossy one is not lost.
        trim: Whether to leave out what is before the first and after the last word, but 0.2 s.
        length: Of a mix: "longest" ends with the input that ends last, "first" with the first input.
        scratch: A folder for files that are not complete yet. It must exist; None is the folder of the output.

    Raises:
        ValueError: An argument is out of range, or none that is known.
        TypeError: An argument has the wrong type.

    Example:
        >>> Job("speech.mp3", "corpus/speech.flac", sample_rate=16000, num_channels=1).format
        'flac'
    """

    input: str | os.PathLike[str] | Sequence[MixInput | str]
    output: str | os.PathLike[str]
    sample_rate: int | None = None
    num_channels: int | None = None
    format: str | None = None
    quality: AudioResamplerQuality | str = "medium"
    normalize: str | None = None
    gain_db: float = 0.0
    trim: bool = False
    length: Literal["longest", "first"] = "longest"
    scratch: str | None = None

    def __post_init__(self) -> None:
        if self.sample_rate is not None:
            check_int("sample_rate", self.sample_rate, 1, _MAX_RATE)
        if self.num_channels is not None:
            check_int("num_channels", self.num_channels, 1, _MAX_CHANNELS)
        output = os.fsdecode(self.output)
        self._set("output", output)
        self._set("format", choose_format(Path(output), self.format, FORMATS))
        self._set("quality", check_choice("quality", self.quality, AudioResamplerQuality).value)
        if self.normalize is not None:
            try:
                self._set("normalize", str(Normalization(self.normalize)))
            except ValueError as error:
                raise ValueError(f"normalize: {error}") from None
        check_number("gain_db", self.gain_db, _MIN_DB, _MAX_DB)
        if self.gain_db and self.normalize is not None:
            raise ValueError(f"gain_db: expected none beside normalize, which sets the level, got {self.gain_db:g}")
        if self.length not in ("longest", "first"):
            raise ValueError(f"length: expected 'longest' or 'first', got {self.length!r}")
        if isinstance(self.input, (str, bytes, os.PathLike)):
            self._set("input", os.fsdecode(self.input))
        else:
            self._check_mix(self.input)

    def _check_mix(self, inputs: Sequence[MixInput | str]) -> None:
        mixed = tuple(item if isinstance(item, MixInput) else MixInput(item) for item in inputs)
        if not mixed or all(item.loop for item in mixed):
            raise ValueError(f"input: expected at least one input that does not loop, got {len(mixed)}")
        if mixed[0].snr_db is not None:
            raise ValueError("input: expected a first input without snr_db, which the others are compared with")
        if self.length == "first" and mixed[0].loop:
            raise ValueError("length: expected 'longest' where the first input loops, got 'first'")
        self._set("input", mixed)

    def with_scratch(self, scratch: str) -> Job:
        """Returns the same job with another folder for what is not complete yet."""
        job = copy(self)  # `replace` would check everything again
        job._set("scratch", scratch)
        return job

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # as a frozen dataclass sets its own

    @property
    def mixed(self) -> tuple[MixInput, ...]:
        """The inputs of a mix; empty for a single one."""
        return cast("tuple[MixInput, ...]", self.input) if isinstance(self.input, tuple) else ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all inputs."""
        return tuple(item.path for item in self.mixed) or (str(self.input),)

    def key(self, stats: Sequence[tuple[int, int]]) -> str:
        """Returns a text that changes with the inputs and with everything that the bytes of the output depend on.

        Args:
            stats: The size in bytes and the time of modification in nanoseconds of each input.
        """
        what = (
            *(self.sample_rate, self.num_channels, self.format, self.quality, self.normalize, self.gain_db),
            *(self.trim, self.length),
            [(item.gain_db, item.offset_s, item.snr_db, item.loop) for item in self.mixed],
            list(stats),
        )
        return hashlib.blake2b(repr(what).encode(), digest_size=16).hexdigest()


def factor(decibels: float) -> float:
    """Returns the factor of a gain."""
    return math.pow(10, decibels / 20)


def stats_of(job: Job) -> list[tuple[int, int]]:
    """Returns the size in bytes and the time of modification in nanoseconds of each input; (-1, 0) of one that is not
    there, which its conversion reports."""
    stats = []
    for path in job.paths:
        try:
            found = os.stat(path)
            stats.append((found.st_size, found.st_mtime_ns))
        except (OSError, ValueError):  # a name with a null byte
            stats.append((-1, 0))
    return stats
