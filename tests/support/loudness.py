"""Loudness in float64, slow and plain, with scipy: ITU-R BS.1770-5, EBU Tech 3341 and 3342; and their test signals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import signal

from livekit_utils import AudioFrame

Floats = npt.NDArray[np.float64]

# The tables of BS.1770-5, Annex 1, for 48 kHz: numerator and denominator of both stages.
STAGES = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585), 997.0),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621), 38.13547087602444),
)
RATES = (8000, 16_000, 32_000, 44_100, 48_000, 96_000)


def filters(sample_rate: int) -> list[tuple[Floats, Floats]]:
    """The stages at any rate: back to the analogue filter, and to this rate so that one frequency stays where it is."""

    def analogue(c: tuple[float, float, float], scale: float) -> list[float]:
        # z = (1 + s) / (1 - s), s in units of tan(pi f / 48000)
        return [(c[0] - c[1] + c[2]) / scale**2, 2 * (c[0] - c[2]) / scale, c[0] + c[1] + c[2]]

    stages = []
    for b, a, hz in STAGES:
        scale = math.tan(math.pi * hz / sample_rate) / math.tan(math.pi * hz / 48_000)
        stages.append(signal.bilinear(analogue(b, scale), analogue(a, scale), fs=0.5))
    return stages


def weights(num_channels: int) -> list[float]:
    return {5: [1, 1, 1, 1.41, 1.41], 6: [1, 1, 1, 0, 1.41, 1.41]}.get(num_channels, [1.0] * num_channels)


def lufs(energy: float | np.floating[Any]) -> float:
    return -0.691 + 10 * math.log10(energy) if energy > 0 else -math.inf


class Reference:
    """All figures of a whole signal, (samples, channels) with full scale 1.0."""

    def __init__(self, samples: Floats, sample_rate: int) -> None:
        x = samples
        for b, a in filters(sample_rate):
            x = signal.lfilter(b, a, x, axis=0)
        squares = np.concatenate([[0.0], np.cumsum(x * x @ np.array(weights(samples.shape[1])))])

        def mean_squares(num_hops: int, step: int) -> Floats:
            count = len(samples) * 100 // sample_rate
            while ((count + 1) * sample_rate) // 100 <= len(samples):
                count += 1
            ends = np.array([n for n in range(num_hops, count + 1) if n % step == 0], dtype=np.int64)
            upper, lower = ends * sample_rate // 100, (ends - num_hops) * sample_rate // 100
            values: Floats = (squares[upper] - squares[lower]) / (upper - lower)
            return np.maximum(values, 0)

        momentary, short_term = mean_squares(40, 1), mean_squares(300, 1)
        self.momentary = lufs(momentary[-1]) if len(momentary) else None
        self.short_term = lufs(short_term[-1]) if len(short_term) else None
        blocks, windows = self._loud(mean_squares(40, 10)), self._loud(mean_squares(300, 10))
        self._integrated = [lufs(above.mean()) for above in self._above(blocks, 10)] or [-math.inf]
        self._range = [self._spread(above) for above in self._above(windows, 100)] or [0.0]

    def integrates_to(self, lufs: float) -> bool:
        """Whether a meter may show this that counts levels in steps of 0.01 LU: it sees what is within a step of a gate
        on either side of it."""
        return any(math.isclose(lufs, value, rel_tol=0, abs_tol=1e-6) for value in self._integrated)

    def ranges_over(self, lu: float) -> bool:
        """Likewise; its levels are the middles of the steps."""
        return any(math.isclose(lu, value, rel_tol=0, abs_tol=0.0101) for value in self._range)

    @staticmethod
    def _loud(energies: Floats) -> Floats:
        return np.sort(energies[energies > 10 ** ((-70 + 0.691) / 10)])

    @staticmethod
    def _above(energies: Floats, factor: float) -> list[Floats]:
        """Those above the mean divided by a factor, with every number of those that are within a step of it."""
        if not len(energies):
            return []
        step = 10**0.001
        lowest, highest = np.searchsorted(energies, energies.mean() / factor * np.array([1 / step, step]), "right")
        return [energies[first:] for first in range(lowest, highest + 1)]

    @staticmethod
    def _spread(energies: Floats) -> float:
        low, high = (energies[int((len(energies) - 1) * part + 0.5)] for part in (0.10, 0.95))
        return lufs(high) - lufs(low)


def true_peak(samples: Floats, factor: int) -> float:
    """Of a signal that begins and ends in silence, interpolated in the frequency domain; dBTP."""
    padded = np.pad(samples, ((256, 256), (0, 0)))
    return 20 * math.log10(np.abs(signal.resample(padded, factor * len(padded), axis=0)).max())


def decibels(level: float) -> float:
    return 10.0 ** (level / 20)


def tones(sample_rate: int, *parts: tuple[float, float], num_channels: int = 2, hz: float = 1000.0) -> Floats:
    """(seconds, peak level in dBFS) one after the other: a sine without a jump in its phase, in all channels."""
    ends = np.cumsum([0] + [round(seconds * sample_rate) for seconds, _ in parts])
    sine = np.sin(2 * np.pi * hz * np.arange(ends[-1]) / sample_rate)
    for (_, level), start, end in zip(parts, ends[:-1], ends[1:], strict=True):
        sine[start:end] *= decibels(level)
    return np.repeat(sine[:, None], num_channels, axis=1)


def tapered(sample_rate: int, divisor: int, amplitude: float, degrees: float) -> Floats:
    """Cases 15 to 19: a sine of a fraction of the rate with a phase, faded in and out within 10 ms."""
    n = np.arange(sample_rate // 2)
    fade = np.minimum(1, np.minimum(n, n[::-1]) / (sample_rate // 100))
    sine = amplitude * fade * np.sin(2 * np.pi * n / divisor + math.radians(degrees))
    return np.repeat(sine[:, None], 2, axis=1)


def burst(offset: int) -> Floats:
    """Cases 20 to 23: one period at a quarter of the rate, amplitude 1, in a sine of a sixth, amplitude 0.5; made at
    four times the rate, filtered and taken down with an offset."""
    around, once = np.tile(0.5 * np.sin(2 * np.pi * np.arange(24) / 24), 100), np.sin(2 * np.pi * np.arange(16) / 16)
    fast = np.concatenate([around, once, around])
    n = np.arange(len(fast))
    fast *= np.minimum(1, np.minimum(n, n[::-1]) / 480)
    low_pass = signal.firwin(1023, 0.25, window=("kaiser", 8.0))
    slow = np.convolve(fast, low_pass, mode="same")[offset::4]
    return np.repeat(slow[:, None], 2, axis=1)


def to_s16(samples: Floats) -> npt.NDArray[np.int16]:
    return np.rint(samples * 32768).clip(-32768, 32767).astype(np.int16)


def frame_of(samples: Floats, sample_rate: int) -> AudioFrame:
    return AudioFrame(to_s16(samples).tobytes(), sample_rate, samples.shape[1], len(samples))
