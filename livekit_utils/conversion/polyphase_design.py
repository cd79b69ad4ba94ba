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

The kernel computes in integers, so taps are rounded to multiples of 2^-b. An error of a tap is then up to half of that,
and on average 1 / sqrt(12) of it; those of the n taps of a row add up to sqrt(n / 12) 2^-b: noise, so far below the
signal. In the response of all L rows together they are spread over L times the band, and by sqrt(L) smaller. b is so
large that the first is below what int16 itself has, and the second below the rejection.

For the ratios of small numbers, L counts for little. But there the error of a tap is made up for by the taps behind it:
what is left lies in the passband, where it changes the level by less than 0.001 dB. (Error feedback: its filter is the
predictor of a signal that has the power of the stopband.)

For a ratio that changes, outputs lie anywhere between two inputs. The bank then has rows for evenly spaced positions,
and the kernel interpolates linearly between two of them. With N rows per sample of the lower rate, a tone of w radians
per such sample then has images of (w / N)^2 / 8 (the error of a chord of a sine): for 512 rows 106 dB below it at the
Nyquist frequency, and 12 dB less for each octave below; for 1024 rows 118 dB.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, fsum, gcd, log10
from operator import mul
from typing import TYPE_CHECKING

from livekit_utils._kernels.polyphase import MAX_BITS, MAX_RATIO, MIN_BITS, PolyphaseFilter
from livekit_utils._kernels.variable_ratio import LANES, VariableFilter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class _Shape:
    half_width: int
    """Half the length of the impulse response, in samples of the lower rate."""
    beta: float
    cutoff: float
    rejection_db: float
    noise_db: float
    """What the rounding of the taps may leave, below the signal."""
    num_rows: int = 512
    """Rows per sample of the lower rate, where the ratio changes."""


_SHAPES = {
    "quick": _Shape(8, 6.40, 0.8228, 63, 100),
    "low": _Shape(16, 9.29, 0.9412, 93, 104),
    "medium": _Shape(24, 9.95, 0.9980, 99, 106),
    "high": _Shape(32, 10.39, 1.0252, 104, 106),
    "very_high": _Shape(96, 11.49, 0.9964, 120, 122, 1024),
}
_MARGIN_DB = 20
"""How far the noise of the taps lies below the rejection: its peaks are 12 dB above the mean, and add to the rest."""
_SHAPED_RATIO = 6
_STOPBAND = 1.15
_MAY_RISE_DB = 0.5
"""Up to that ratio, the taps have so many bits that the level of the stopband, which begins at that share of the lower
Nyquist frequency, does not rise by more."""


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
    taps, fraction_bits, look_ahead = design(step, num_phases, quality)
    return PolyphaseFilter(taps.data, fraction_bits, step, num_phases, look_ahead)


@lru_cache(maxsize=16)
def _made_late(step: int, num_phases: int, quality: str, delay_thousandths: int) -> PolyphaseFilter:
    rest = -delay_thousandths % 1000 / 1000  # from the delay, in inputs, to the next whole number
    taps, fraction_bits, look_ahead = design(step, num_phases, quality, rest)
    return PolyphaseFilter(taps.data, fraction_bits, step, num_phases, look_ahead)


@lru_cache(maxsize=8)
def _made_variable(step: int, num_phases: int, quality: str) -> VariableFilter:
    scale = min(1.0, num_phases / step)
    num_rows = ceil(_SHAPES[quality].num_rows * scale)
    bank, look_ahead = _bank(scale, [row / num_rows for row in range(num_rows + 1)], quality, LANES)
    return VariableFilter(bank.astype("float32").data, num_rows, look_ahead)


def design(
    step: int, num_phases: int, quality: str, inputs_later: float = 0.0
) -> tuple[npt.NDArray[np.int32], int, int]:
    """Returns the bank, with a row of taps for each phase; how many bits behind the point its taps have; and the number
    of inputs after an output that it needs. Each output may lie some inputs later than its place."""
    import numpy as np

    scale = min(1.0, num_phases / step)
    places = [phase / num_phases + inputs_later for phase in range(num_phases)]
    bank, look_ahead = _bank(scale, places, quality)
    shape = _SHAPES[quality]
    ratio = max(step, num_phases)
    row_db = 10 * log10(bank.shape[1] / 12)
    needed_db = row_db + shape.noise_db
    if ratio > _SHAPED_RATIO:
        needed_db = max(needed_db, row_db - 10 * log10(num_phases) + shape.rejection_db + _MARGIN_DB)
    fraction_bits = min(max(ceil(needed_db / (20 * log10(2))), MIN_BITS), MAX_BITS)
    if ratio > _SHAPED_RATIO:
        wanted = bank * 2.0**fraction_bits
        return _with_sum(np.rint(wanted), wanted, 1 << fraction_bits), fraction_bits, look_ahead
    limit = _stopband_level(bank, ratio) * 10 ** (_MAY_RISE_DB / 20)
    while True:
        wanted = bank * 2.0**fraction_bits
        taps = _with_sum(_shaped(wanted, ratio), wanted, 1 << fraction_bits)
        if fraction_bits == MAX_BITS or _stopband_level(taps / 2.0**fraction_bits, ratio) <= limit:
            return taps, fraction_bits, look_ahead
        fraction_bits += 1


def _as_one_filter(bank: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the taps at the rate of all phases together."""
    return bank[:, ::-1].T.reshape(-1)


def _stopband_level(bank: npt.NDArray[np.float64], ratio: int) -> float:
    import numpy as np

    size = 16 * bank.size
    levels = abs(np.fft.rfft(_as_one_filter(bank), size))
    return float(levels[round(_STOPBAND * size / 2 / ratio) :].max())


def _shaped(bank: npt.NDArray[np.float64], ratio: int) -> npt.NDArray[np.float64]:
    """Rounds the taps such that the error of all phases together lies in the passband, 1 / ratio of the band."""
    import numpy as np

    lags = np.arange(9)
    # The power of the stopband, a little everywhere, and a little at 0 Hz.
    power = (lags == 0) - 0.97 * np.sinc(lags / ratio) / ratio + 0.01
    feedback = _feedback(power.tolist())
    errors = deque([0.0] * len(feedback), maxlen=len(feedback))  # the last one first
    taps = _as_one_filter(bank)
    rounded = np.empty_like(taps)
    for i, tap in enumerate(taps.tolist()):
        wanted = tap + fsum(map(mul, feedback, errors))
        rounded[i] = round(wanted)
        errors.appendleft(float(rounded[i]) - wanted)
    return rounded.reshape(bank.shape[::-1]).T[:, ::-1]


def _feedback(power: list[float]) -> list[float]:
    """Returns the filter of the last errors that leaves the least of a power, which is given by its autocorrelation.

    It is Durbin's recursion (J. Makhoul, Linear prediction: a tutorial review, Proceedings of the IEEE 63, 1975). What
    solves linear equations in numpy asks for tens of megabytes when it is first used, and ends the process where it
    does not get them.
    """
    filter: list[float] = []
    left = power[0]
    for lag in range(1, len(power)):
        reflection = -(power[lag] + fsum(map(mul, filter, reversed(power[1:lag])))) / left
        filter = [old + reflection * other for old, other in zip(filter, reversed(filter), strict=True)] + [reflection]
        left *= 1 - reflection**2
    return filter


def _with_sum(taps: npt.NDArray[np.float64], wanted: npt.NDArray[np.float64], total: int) -> npt.NDArray[np.int32]:
    """Gives each row of rounded taps that sum: those taps move by 1 that it brings nearest to what was wanted."""
    import numpy as np

    lacking = total - taps.sum(axis=1, keepdims=True)
    sign = np.sign(lacking)
    order = np.argsort(sign * (taps - wanted), axis=1, kind="stable")
    moved = sign * (np.arange(taps.shape[1]) < abs(lacking))
    np.put_along_axis(taps, order, np.take_along_axis(taps, order, 1) + moved, 1)
    return taps.astype(np.int32, order="C")


def _bank(scale: float, places: list[float], quality: str, multiple: int = 1) -> tuple[npt.NDArray[np.float64], int]:
    """Returns a row of taps, so many or a multiple, for each place between two inputs, which are `scale` samples of the
    lower rate long."""
    import numpy as np

    shape = _SHAPES[quality]
    look_ahead = ceil(shape.half_width / scale)
    # The same number of inputs lies before the output. Rows are padded with zeros there, which costs no delay.
    num_taps = -(-2 * look_ahead // multiple) * multiple
    inputs = np.arange(num_taps) - (num_taps - 1 - look_ahead)
    positions = np.array(places)[:, np.newaxis]
    distances = scale * (inputs - positions)
    inside = np.clip(1 - (distances / shape.half_width) ** 2, 0, None)
    taps = np.sinc(shape.cutoff * distances) * np.i0(shape.beta * np.sqrt(inside)) * (inside > 0)
    taps /= taps.sum(axis=1, keepdims=True)
    return taps, look_ahead
