"""Sound is what a file gives, whoever decodes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from livekit_utils.files.samples import Samples


# Samples per channel that are decoded at most to leave them out, so that the caller can give up.
MAX_SKIPPED = 1 << 14


class Sound(Protocol):
    """A sound that is read from its beginning to its end, in pieces of any size."""

    sample_rate: int
    num_channels: int
    samples_per_channel: int | None
    """The length; None if it is not known before the end."""
    warnings: list[str]
    is_s16: bool
    """Whether the samples are int16, exact; float32 otherwise."""

    @property
    def duration_s(self) -> float | None:
        """The length in seconds, or about it, if the file tells no more; None if it does not tell it."""
        ...

    def read(self, samples_per_channel: int, /) -> Samples:
        """Returns the next samples; fewer, or none, at the end. A pipe may give fewer before."""
        ...

    def skip(self, samples_per_channel: int, /) -> int:
        """Leaves out up to so many of the next samples, and returns how many; 0 at the end. It does not take long."""
        ...

    def rewind(self) -> None:
        """Goes back to the beginning."""
        ...

    def close(self) -> None:
        """Closes the decoder; the file stays open."""
        ...
