"""Part is one complete sound in a file. Joined files have several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit_utils.files.errors import SoundFileError

if TYPE_CHECKING:
    from livekit_utils.files.byte_ranges import RangeList

# More are no recording, and opening each of them takes time.
_MAX_PARTS = 10_000


@dataclass
class Part:
    """Holds where one sound lies in a file, and what the file says of its length."""

    ranges: RangeList
    """A whole file of its own, for libsndfile."""
    tells_length: bool = True
    """Whether the length that libsndfile reports is a promise; otherwise, what can be decoded is the length."""
    max_samples_per_channel: int | None = None
    """What follows is padding."""
    found_samples_per_channel: int | None = None
    """What the file holds, if less than its header says: it was cut off."""


@dataclass
class Contents:
    """Holds what is in a file."""

    parts: list[Part] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """One line each, without the name of the file."""
    damages: list[str] = field(default_factory=list)
    """What is missing. Who reads the file nevertheless gets these as warnings."""

    def add(self, part: Part) -> None:
        """Appends a part.

        Raises:
            SoundFileError: There are more than any recording has.
        """
        if len(self.parts) == _MAX_PARTS:
            raise SoundFileError(f"expected at most {_MAX_PARTS} sounds that are joined to one file, got more")
        self.parts.append(part)
