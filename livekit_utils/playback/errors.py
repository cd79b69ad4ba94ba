"""The errors of media files that cannot be played."""

from __future__ import annotations


class MediaFileError(ValueError):
    """The file is none that FFmpeg knows, has neither pictures nor sound, is damaged, or was cut off."""


class DecodingStoppedError(Exception):
    """Nobody wants what is being decoded any more."""
