"""What brings a programme to a level: the gain is found by making the programme once, far from clipping."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from livekit_utils.frames.audio_frame import AudioFrame
    from livekit_utils.signals.normalization import Normalization

# What a peak is brought to while it is measured: exact to 0.001 dB, and far from clipping.
MEASURED_PEAK = 0.5

# Full scale, less what rounding may add.
_SAFE_PEAK = 0.9999


class Programme(Protocol):
    """A sound in the rate and channels of the output."""

    sample_rate: int
    num_channels: int

    @property
    def num_clipped(self) -> int:
        """Samples of the inputs that their gain left above full scale, and that were clipped, when it was made last."""
        ...

    @property
    def safe_gain(self) -> float:
        """A gain at which it can be measured without clipping; 0 for silence."""
        ...

    @property
    def max_gain(self) -> float:
        """The highest gain that is possible."""
        ...

    def frames(self, gain: float) -> Iterator[AudioFrame]:
        """Yields all of it, with a gain."""
        ...


def split_gain(gain: float, peak: float) -> tuple[float, float]:
    """Returns the parts of a gain that come before and after a conversion: a file of this peak must not clip itself,
    before a filter brings it down."""
    before = min(gain, _SAFE_PEAK / peak)
    return before, gain / before


class Gain(NamedTuple):
    """A factor, and why it is not the one that was asked for."""

    factor: float
    note: str = ""


def normalizing_gain(programme: Programme, wanted: Normalization) -> Gain:
    """Returns the gain that brings a programme to a level. All of it is made once for this.

    Raises:
        ValueError: Its loudness cannot be measured.
    """
    measurement = wanted.measure(programme.sample_rate, programme.num_channels)
    safe = programme.safe_gain
    if not safe:
        return Gain(1.0)
    for frame in programme.frames(safe):
        measurement.add(frame)
    missing = measurement.gain()
    if not missing.is_known:
        return Gain(1.0, missing.note)
    factor = safe * 10 ** (missing.db / 20)
    if factor > programme.max_gain:
        short_db = 20 * math.log10(factor / programme.max_gain)
        return Gain(programme.max_gain, f"{short_db:.1f} dB below {wanted}: an input would get more than +40 dB")
    return Gain(factor, missing.note)
