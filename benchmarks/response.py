"""What resamplers let through: measured with tones, since of most of them no more than the output can be had."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.effort import Effort
from benchmarks.resampler_way import ResamplerWay
from benchmarks.signals import sine
from livekit_utils import AudioResamplerQuality

INPUT_RATE, OUTPUT_RATE = 48000, 16000

# Of the lower rate's Nyquist frequency.
_LOWEST, _HIGHEST, _STOPBAND = 0.5, 2.5, 1.15
_PEAK = 30000.0
_SINAD_FREQ, _SINAD_PEAK = 997.0, 32768 * 10 ** (-6 / 20)


@dataclass(frozen=True)
class Response:
    """One way's, at one quality, from 48 to 16 kHz."""

    way: str
    quality: AudioResamplerQuality
    shares: npt.NDArray[Any]
    """Frequencies, of the lower rate's Nyquist frequency."""
    levels_db: npt.NDArray[Any]
    """What comes out at each of them, or where it falls to; by the tone that went in."""
    sinad_db: float
    """997 Hz at -6 dBFS: the tone to all else."""
    latency_ms: float
    """Audio that went in and had not come out after a push, at worst."""

    @property
    def passband(self) -> float | None:
        """Up to where all is within 0.1 dB; None where not even the lowest frequency that was looked at is."""
        inside = np.abs(self.levels_db) <= 0.1
        return float(self.shares[np.argmin(inside) - 1]) if inside[0] else None

    @property
    def rejection_db(self) -> float:
        """Of the loudest tone from 1.15 on; what is under the noise of 16 bits shows as that."""
        return float(-self.levels_db[self.shares >= _STOPBAND].max())

    @classmethod
    def measure(cls, way: ResamplerWay, name: str, quality: AudioResamplerQuality, effort: Effort) -> Response:
        # Fine near the edges of the passbands, where the curve is steep.
        shares = np.unique(
            np.concatenate(
                [
                    np.linspace(_LOWEST, _STOPBAND, effort.tones),
                    np.linspace(_STOPBAND, _HIGHEST, effort.tones),
                ]
            )
        )
        levels = np.array([_level_db(way, share) for share in shares])
        return cls(name, quality, shares, levels, _sinad_db(way), _latency_ms(way))


def measure(effort: Effort) -> list[Response]:
    """Of all engines, ours first, at all qualities."""
    responses = []
    for quality in AudioResamplerQuality:
        rates = INPUT_RATE, OUTPUT_RATE, quality
        ways = [
            ("polyphase", ResamplerWay.ours(*rates, "polyphase")),
            ("samplerate", ResamplerWay.ours(*rates, "samplerate")),
        ]
        ways += [(way.name, way) for way in ResamplerWay.others(*rates) if way.name != "samplerate"]
        responses += [Response.measure(way, name, quality, effort) for name, way in ways]
    return responses


def _converted(way: ResamplerWay, samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """The settled part of what comes out."""
    push = way.make()
    output = np.concatenate([way.as_samples(push(block)) for block in way.blocks(samples, INPUT_RATE)])
    return output[output.size // 5 :].astype(np.float64)


def _fit(samples: npt.NDArray[np.float64], freq: float) -> tuple[float, npt.NDArray[np.float64]]:
    """The amplitude of a tone, and what else there is."""
    angles = 2 * np.pi * freq / OUTPUT_RATE * np.arange(samples.size)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    factors = np.linalg.lstsq(waves, samples, rcond=None)[0]
    return float(np.hypot(*factors)), samples - waves @ factors


def _level_db(way: ResamplerWay, share: float) -> float:
    # Odd, so that no alias falls on 0 or on the Nyquist frequency, where a tone has no amplitude of its own.
    freq = round(share * OUTPUT_RATE / 2) // 10 * 10 + 3.0
    # Noise, so that rounding does not swallow what is smaller than a step.
    noise = np.random.default_rng(1).triangular(-2, 0, 2, INPUT_RATE)
    tone = _PEAK * np.sin(2 * np.pi * freq / INPUT_RATE * np.arange(INPUT_RATE)) + noise
    alias = abs((freq + OUTPUT_RATE / 2) % OUTPUT_RATE - OUTPUT_RATE / 2)
    amplitude, _ = _fit(_converted(way, np.round(tone).astype(np.int16)), alias)
    return float(20 * np.log10(max(amplitude, 1e-9) / _PEAK))


def _sinad_db(way: ResamplerWay) -> float:
    amplitude, rest = _fit(_converted(way, sine(_SINAD_FREQ, INPUT_RATE, 2, _SINAD_PEAK)), _SINAD_FREQ)
    return float(10 * np.log10(amplitude**2 / 2 / np.var(rest)))


def _latency_ms(way: ResamplerWay) -> float:
    push, frames_out, worst = way.make(), 0, 0.0
    for number, block in enumerate(way.blocks(sine(_SINAD_FREQ, INPUT_RATE, 1, _SINAD_PEAK), INPUT_RATE), 1):
        frames_out += way.as_samples(push(block)).size
        worst = max(worst, number / 100 - frames_out / OUTPUT_RATE)
    return worst * 1000
