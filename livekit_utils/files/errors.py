"""The error of sound files that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class SoundFileError(ValueError):
    """The file is no sound file of a known format, is damaged, or was cut off."""


class ForeignFileError(SoundFileError):
    """The file is none that libsndfile decodes."""

    warnings: Sequence[str] = ()
    """What is strange about it, one line each."""
