"""Designs the filters of the polyphase engine: Kaiser-windowed sincs, sampled once for each phase of an output.

With t in samples of the lower of the two rates, the impulse response is

    h(t) = c sinc(c t) I0(beta sqrt(1 - (t / w)^2)) / I0(beta),   |t| < w,   sinc(x) = sin(pi x) / (pi x)

where c is the cutoff (-6 dB) as a share of the lower Nyquist frequency, w half the length, and I0 the modified Bessel
function of order zero (J. F. Kaiser, "Nonrecursive digital filter design using the I0-sinh window function", IEEE
International Symposium on Circuits and Systems, 1974). beta sets the rejection A: about 0.1102 (A - 8.7) for A over
50 dB. For each length, the cutoff is placed so that the loss at the end of the passband is 0.05 dB, and beta so that
the rejection begins as near to it as can be; tests measure both.

Output k lies at input position k M / L, where M and L are the input and the output rate without their common divisor.
Its phase p is the remainder of k M by L, its row of the bank h at the distances of the inputs from that position, so
L rows serve all outputs (R. E. Crochiere and L. R. Rabiner, "Multirate Digital Signal Processing", 1983, section 3.3).
Each row is scaled to the sum 1: a constant comes out as the same constant in every phase.

For a ratio that changes, outputs lie anywhere between two inputs. The bank then has rows for evenly spaced positions,
and the kernel interpolates linearly between two of them. With N rows per sample of the lower rate, a tone of w radians
per such sample then has images of (w / N)^2 / 8 (the error of a chord of a sine): for 512 rows 106 dB below it at the
Nyquist frequency, and 12 dB less for each octave below; for 1024 rows 118 dB.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, gcd
from typing import TYPE_CHECKING

from livekit_utils._kernels.polyphase import LANES, MAX_RATIO, PolyphaseFilter
from livekit_utils._kernels.variable_ratio import VariableFilter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class _Shape:
    half_width: int
    """Half the length of the impulse response, in samples of the lower rate."""
    beta: float
    cutoff: float
    num_rows: int = 512
    """Rows per sample of the lower rate, where the ratio changes."""


_SHAPES = {
    "quick": _Shape(8, 6.40, 0.8228),
    "low": _Shape(16, 9.29, 0.9412),
    "medium": _Shape(24, 9.95, 0.9980),
    "high": _Shape(32, 10.39, 1.0252),
    "very_high": _Shape(96, 11.49, 0.9964, 1024),
}


def is_covered(input_rate: int, output_rate: int) -> bool:
    """Returns whether both rates without their common divisor are at most MAX_RATIO."""
    return max(reduced(input_rate, output_rate)) <= MAX_RATIO


def filter_of(input_rate: int, output_rate: int, quality: str) -> PolyphaseFilter:
    """Returns the filter of a covered ratio. Resamplers with the same ratio and quality share it."""
    return _made(*reduced(input_rate, output_rate), quality)


def late_filter_of(input_rate: int, output_rate: int, quality: str, delay_ms: int) -> PolyphaseFilter:
    """Returns a filter whose outputs lie as much before their places as its look-ahead is longer than a delay.

    A stream that begins with `look_ahead` zeros is then late by exactly that delay, even where it is no whole number of
    inputs. The delay may not be shorter than half of the filter. Streams with the same arguments share it.
    """
    return _made_late(*reduced(input_rate, output_rate), quality, delay_ms * input_rate)


def variable_filter_of(input_rate: int, output_rate: int, quality: str) -> VariableFilter:
    """Returns the filter for ratios around that of two rates. Resamplers with the same ratio and quality share it."""
    return _made_variable(*reduced(input_rate, output_rate), quality)


def look_ahead_of(input_rate: int, output_rate: int, quality: str) -> int:
    """Returns how many inputs the filter of a ratio reaches to each side."""
    return ceil(_SHAPES[quality].half_width * max(1.0, input_rate / output_rate))


def reduced(input_rate: int, output_rate: int) -> tuple[int, int]:
    """Returns both rates without their common divisor."""
    divisor = gcd(input_rate, output_rate)
    return input_rate // divisor, output_rate // divisor


@lru_cache(maxsize=32)
def _made(step: int, num_phases: int, quality: str) -> PolyphaseFilter:
    bank, look_ahead = design(step, num_phases, quality)
    return PolyphaseFilter(bank.data, step, num_phases, look_ahead)


@lru_cache(maxsize=16)
def _made_late(step: int, num_phases: int, quality: str, delay_thousandths: int) -> PolyphaseFilter:
    scale = min(1.0, num_phases / step)
    rest = -delay_thousandths % 1000 / 1000  # from the delay, in inputs, to the next whole number
    bank, look_ahead = _bank(scale, [phase / num_phases + rest for phase in range(num_phases)], quality)
    return PolyphaseFilter(bank.data, step, num_phases, look_ahead)


@lru_cache(maxsize=8)
def _made_variable(step: int, num_phases: int, quality: str) -> VariableFilter:
    scale = min(1.0, num_phases / step)
    num_rows = ceil(_SHAPES[quality].num_rows * scale)
    bank, look_ahead = _bank(scale, [row / num_rows for row in range(num_rows + 1)], quality)
    return VariableFilter(bank.data, num_rows, look_ahead)


def design(step: int, num_phases: int, quality: str) -> tuple[npt.NDArray[np.float32], int]:
    """Returns the bank, with a row of taps for each phase, and the number of inputs after an output that it needs."""
    scale = min(1.0, num_phases / step)
    return _bank(scale, [phase / num_phases for phase in range(num_phases)], quality)


def _bank(scale: float, places: list[float], quality: str) -> tuple[npt.NDArray[np.float32], int]:
    """Returns a row of taps for each place between two inputs, which are `scale` samples of the lower rate long."""
    import numpy as np

    shape = _SHAPES[quality]
    look_ahead = ceil(shape.half_width / scale)
    # The same number of inputs lies before the output. Rows are padded with zeros there, which costs no delay.
    num_taps = -(-2 * look_ahead // LANES) * LANES
    inputs = np.arange(num_taps) - (num_taps - 1 - look_ahead)
    positions = np.array(places)[:, np.newaxis]
    distances = scale * (inputs - positions)
    inside = np.clip(1 - (distances / shape.half_width) ** 2, 0, None)
    taps = np.sinc(shape.cutoff * distances) * np.i0(shape.beta * np.sqrt(inside)) * (inside > 0)
    taps /= taps.sum(axis=1, keepdims=True)
    return taps.astype(np.float32), look_ahead
