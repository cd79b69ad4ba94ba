"""Digits made sample by sample, with whatever may be wrong with them, and the way through a telephone's G.711."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from livekit_utils import AudioFrame, DtmfDetector, DtmfDigit

Samples = NDArray[np.float64]

DIGITS = "123A456B789C*0#D"
LOW = (697, 770, 852, 941)
HIGH = (1209, 1336, 1477, 1633)
RATES = (8000, 11025, 16000, 24000, 44100, 48000)


def amplitude(dbm0: float) -> float:
    """Of a sine wave: one of full scale has +3.17 dBm0."""
    return 32767 * 10 ** ((dbm0 - 3.17) / 20)


def silence(rate: int, ms: float) -> Samples:
    return np.zeros(round(ms * rate / 1000))


def tone(
    rate: int,
    digit: str,
    ms: float,
    *,
    dbm0: float = -10,
    twist_db: float = 0,
    low_off: float = 0,
    high_off: float = 0,
    phases: tuple[float, float] = (0, 0),
) -> Samples:
    """A digit. The stronger tone has `dbm0`; `twist_db` is how much stronger the high one is; the frequencies are off
    by these shares of them."""
    row, column = divmod(DIGITS.index(digit), 4)
    turns = 2 * math.pi * np.arange(round(ms * rate / 1000)) / rate
    low = amplitude(dbm0 - max(twist_db, 0)) * np.sin(turns * LOW[row] * (1 + low_off) + phases[0])
    high = amplitude(dbm0 + min(twist_db, 0)) * np.sin(turns * HIGH[column] * (1 + high_off) + phases[1])
    return low + high


def noise(rate: int, ms: float, power: float, rng: np.random.Generator) -> Samples:
    return rng.normal(0, math.sqrt(power), round(ms * rate / 1000))


def frame(samples: Samples, rate: int) -> AudioFrame:
    rounded = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    return AudioFrame(rounded, rate, 1, rounded.size)


def detect(samples: Samples, rate: int) -> list[DtmfDigit]:
    """All digits of a stream, in one call."""
    detector = DtmfDetector(rate)
    return detector.push(frame(samples, rate)) + detector.flush()


def found(samples: Samples, rate: int) -> str:
    return "".join(digit.digit for digit in detect(samples, rate))


def through_ulaw(samples: Samples) -> Samples:
    """What is left of samples that were encoded and decoded by ITU-T G.711, mu-law, done slowly."""
    out = []
    for sample in samples:
        magnitude = min(abs(round(sample)), 32635) + 132
        segment = magnitude.bit_length() - 8
        step = magnitude >> (segment + 3) & 15
        decoded = ((2 * step + 33) << (segment + 2)) - 132
        out.append(-decoded if sample < 0 else decoded)
    return np.array(out, float)
