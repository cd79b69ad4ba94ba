"""Finds out which files have no header: with --raw, those that are not called like a sound file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils.cli.errors import CliError
from livekit_utils.cli.files.standard_streams import is_standard

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from livekit_utils.files.raw_format import RawFormat

_SOUND_FILES = (
    *(".wav", ".wave", ".bwf", ".rf64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".mp2"),
    *(".au", ".snd", ".aif", ".aiff", ".aifc", ".caf", ".w64"),
)


def is_raw(path: Path) -> bool:
    """Returns whether --raw is about a file: standard input and output, too."""
    return is_standard(path) or path.suffix.lower() not in _SOUND_FILES


def parse_raw(text: str | None, paths: Sequence[Path]) -> RawFormat | None:
    """Returns the format in --raw; None if it is not given.

    Raises:
        CliError: It is none, or no file of the command is without a header.
    """
    if text is None:
        return None
    from livekit_utils.files.raw_format import RawFormat

    try:
        raw = RawFormat.parse(text)
    except ValueError as error:
        raise CliError(f"--raw: {error}") from None
    if not any(map(is_raw, paths)):
        names = ", ".join(str(path) for path in paths)
        raise CliError(f"--raw: expected a file that is not called like a sound file, or -, got {names}")
    return raw
