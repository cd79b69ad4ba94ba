"""Encodes samples of more than 16 bits."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from livekit_utils.cli.errors import printable

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

# Bits of integers, and bytes of floats.
_INTEGERS = {"s24": 24, "s32": 32}
_FLOATS = {"f32": 4, "f64": 8}


def is_wide(encoding: str | None) -> bool:
    """Returns whether samples of an encoding tell more than 16 bits do."""
    return encoding is not None and encoding[:3] in {*_INTEGERS, *_FLOATS}


def warn_of_16_bits(output: Path, encoding: str | None, what: str) -> None:
    """Prints a warning if an encoding tells more bits than the samples of an output have."""
    if is_wide(encoding):
        text = f"its {encoding:.3} samples hold 16 bits: {what} rounded to them"
        print(printable(f"warning: {output}: {text}"), file=sys.stderr)


class WideEncoder:
    """Encodes floats with a full scale of 1.0.

    Args:
        encoding: "s24le" and the like, for which `is_wide` is true.
        dither: Whether 24 bits get noise of a triangular density and a width of two steps, so that the error of the
            rounding does not depend on the sound. It is the same for the same samples.
    """

    def __init__(self, encoding: str, *, dither: bool) -> None:
        self._name, self._order = encoding[:3], ">" if encoding.endswith("be") else "<"
        self._noise = np.random.default_rng(0) if dither and self._name == "s24" else None
        self.num_clipped = 0
        """Samples so far that were above full scale, and were clipped: of integers only."""

    def encode(self, samples: npt.NDArray[np.float32]) -> bytes:
        """Returns the bytes of the next samples. What is no number is 0."""
        if self._name in _FLOATS:
            return samples.astype(f"{self._order}f{_FLOATS[self._name]}").tobytes()
        scale = 2.0 ** (_INTEGERS[self._name] - 1)
        values = np.nan_to_num(samples.astype(np.float64), posinf=2.0, neginf=-2.0) * scale
        if self._noise is not None:
            values += self._noise.random(values.shape) - self._noise.random(values.shape)
        values = np.rint(values)
        self.num_clipped += int(np.count_nonzero((values > scale - 1) | (values < -scale)))
        integers = np.clip(values, -scale, scale - 1).astype(np.int64).astype(f"{self._order}i4")
        if self._name == "s32":
            return integers.tobytes()
        parts = integers.reshape(-1, 1).view(np.uint8)
        return parts[:, :3].tobytes() if self._order == "<" else parts[:, 1:].tobytes()
