"""Sound is what a file gives, whoever decodes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from livekit_utils.files.samples import Samples


class Sound(Protocol):
    """A sound that is read from its beginning to its end, in pieces of any size."""

    sample_rate: int
    num_channels: int
    samples_per_channel: int | None
    """The length; None if it is not known before the end."""
    warnings: list[str]

    @property
    def duration_s(self) -> float | None:
        """The length in seconds, or about it, if the file tells no more; None if it does not tell it."""
        ...

    def read(self, samples_per_channel: int, /) -> Samples:
        """Returns the next samples; fewer, or none, at the end. A pipe may give fewer before."""
        ...

    def rewind(self) -> None:
        """Goes back to the beginning."""
        ...

    def close(self) -> None:
        """Closes the decoder; the file stays open."""
        ...
