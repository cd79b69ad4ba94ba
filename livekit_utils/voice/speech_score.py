"""SpeechScore: the probability of speech in each block of 10 ms."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# All sound is judged at this rate, in Hz, so that the result does not depend on the stream's.
RATE = 16000
BLOCK = RATE // 100

# The level that counts is that of 200 to 4000 Hz: hum is below, and half of white noise above. These are the bins of a
# spectrum of 20 ms, whose power rises by 1.5 dB per octave here: halfway between white and pink noise.
_LOW, _HIGH = 4, 80

# WebRTC's network takes some white noise for a voice, for up to 0.3 s. Noise is known by its level, which hardly
# changes: what is less than 3 dB above the lowest level of the last 3 s is none, and 6 dB above it the network decides
# alone. White and pink noise hardly reach that.
_NOISE_DB, _VOICE_DB = 3.0, 6.0
_MEMORY_BLOCKS, _PARTS = 300, 10

# Noise that has just become louder is known by its spectrum, which is flat: the ratio of the geometric to the
# arithmetic mean of its bins is 0.44 or more for white and pink noise, and below 0.3 for most of a voice.
_NOISE_FLATNESS, _VOICE_FLATNESS = 0.45, 0.38

# Levels and flatness are smoothed over some 30 ms.
_SMOOTHING = 0.3


class SpeechScore:
    """Judges mono blocks of 10 ms at 16000 Hz, by the network of WebRTC's gain control and the level over the noise.

    Raises:
        ImportError: pywebrtc-audio is not installed.
    """

    def __init__(self) -> None:
        import numpy as np
        from pywebrtc_audio import GainController

        self._network = GainController(RATE, 1)
        self._window = np.hanning(2 * BLOCK)
        bins = np.arange(_LOW, _HIGH)
        self._tilt = np.sqrt(bins / bins.mean())
        self._recent = np.zeros(2 * BLOCK, np.int16)
        self._smooth: float | None = None
        self._flatness = 0.5
        self.num_loud = 0  # blocks in a row, to the last one, that are clearly louder than the noise
        # The lowest level of each tenth of the memory, the last one being under way.
        self._lowest: deque[float] = deque([math.inf], maxlen=_PARTS)
        self._age = 0

    def process(self, block: NDArray[np.int16]) -> float:
        """Returns the probability of speech in the next block, 0 to 1."""
        self._network.process(block)
        above = self._above_noise_db(block)
        self.num_loud = self.num_loud + 1 if above >= _VOICE_DB else 0
        louder = (above - _NOISE_DB) / (_VOICE_DB - _NOISE_DB)
        tonal = (_NOISE_FLATNESS - self._flatness) / (_NOISE_FLATNESS - _VOICE_FLATNESS)
        return self._network.speech_probability * max(0.0, min(1.0, louder, tonal))

    def _above_noise_db(self, block: NDArray[np.int16]) -> float:
        import numpy as np

        self._recent[:BLOCK] = self._recent[BLOCK:]
        self._recent[BLOCK:] = block
        spectrum = np.fft.rfft(self._recent * self._window)[_LOW:_HIGH]
        power = (spectrum.real**2 + spectrum.imag**2) * self._tilt + 1e-3
        mean = float(power.mean())
        flatness = math.exp(float(np.log(power).mean())) / mean
        self._flatness += _SMOOTHING * (flatness - self._flatness)
        level = 10 * math.log10(mean * len(power) / (2 * BLOCK * BLOCK) + 1)
        if self._smooth is None:
            self._smooth = level
        self._smooth += _SMOOTHING * (level - self._smooth)
        if self._age == _MEMORY_BLOCKS // _PARTS:
            self._age = 0
            self._lowest.append(math.inf)
        self._age += 1
        self._lowest[-1] = min(self._lowest[-1], self._smooth)
        return level - min(self._lowest)
