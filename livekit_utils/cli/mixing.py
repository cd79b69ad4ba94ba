"""What commands that mix files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.mixing.audio_mixer import AudioMixer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from livekit_utils.cli.files.audio_reader import AudioReader

# A disk may be slow; a file is never late.
_NEVER_LATE_MS = 1e9

_MIN_GAIN_DB = -120.0
_MAX_GAIN_DB = 40.0


def make_mixer(readers: Sequence[AudioReader], rate: int, channels: int, blocksize: int = 0) -> AudioMixer:
    """A mixer for files, which are never late.

    Raises:
        CliError: A file does not fit in.
    """
    try:
        mixer = AudioMixer(rate, channels, blocksize=blocksize, stream_timeout_ms=_NEVER_LATE_MS)
    except ValueError as error:
        raise CliError(str(error)) from error
    for reader in readers:
        if reader.num_channels != channels and 1 not in (reader.num_channels, channels):
            raise CliError(f"{reader.path}: expected 1 or {channels} channels to mix to {channels}, "
                           f"got {reader.num_channels}; --channels 1 takes any number")  # fmt: skip
        if max(reader.sample_rate, rate) > 256 * min(reader.sample_rate, rate):
            raise CliError(f"{reader.path}: expected a sample rate within a factor of 256 of {rate} Hz, "
                           f"got {reader.sample_rate} Hz")  # fmt: skip
    return mixer


def parse_gains(options: Sequence[str], inputs: Sequence[Path]) -> list[float]:
    """Decibels for each input.

    Raises:
        CliError: An option that is no gain of an input.
    """
    gains: dict[int, float] = {}
    for option in options:
        name, equals, number = option.rpartition("=")
        if not equals:
            raise CliError(f"--gain: expected NAME=dB, got {option!r}")
        try:
            gain = float(number)
        except ValueError:
            raise CliError(f"--gain {name}: expected a number of decibels, got {number!r}") from None
        if not _MIN_GAIN_DB <= gain <= _MAX_GAIN_DB:
            raise CliError(f"--gain {name}: expected {_MIN_GAIN_DB:.0f} to {_MAX_GAIN_DB:.0f} dB, got {number}")
        index = _find_input(name, inputs)
        if index in gains:
            raise CliError(f"--gain {name}: expected one gain for {inputs[index]}, got two")
        gains[index] = gain
    return [gains.get(index, 0.0) for index in range(len(inputs))]


def _find_input(name: str, inputs: Sequence[Path]) -> int:
    for names in ([str(path) for path in inputs], [path.name for path in inputs], [path.stem for path in inputs]):
        if names.count(name) > 1:
            found = ", ".join(str(path) for path, other in zip(inputs, names, strict=True) if other == name)
            raise CliError(f"--gain {name}: expected the name of one input, got that of {found}")
        if name in names:
            return names.index(name)
    known = ", ".join(path.name for path in inputs)
    raise CliError(f"--gain {name}: expected the name of an input ({known}), got {name!r}")
