"""SpeechScore: the probability of speech in each block of 10 ms."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from livekit_utils._kernels.high_pass import HighPass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


# All sound is judged at this rate, in Hz, so that the result does not depend on the stream's.
RATE = 16000
BLOCK = RATE // 100

# The level that counts is that of 200 to 4000 Hz: hum is below, and half of white noise above. These are the bins of a
# spectrum of 20 ms, whose power rises by 1.5 dB per octave here: halfway between white and pink noise.
_LOW, _HIGH = 4, 80
_NUM_BINS = _HIGH - _LOW

# WebRTC's network takes some white noise for a voice, for up to 0.3 s. Noise is known by its level, which hardly
# changes: what is less than 2 dB above the lowest level of the last 3 s is none, and 5 dB above it the network decides
# alone. Steady noise hardly reaches that.
_NOISE_DB, _VOICE_DB = 2.0, 5.0
_MEMORY_BLOCKS, _PARTS = 300, 10

# Noise that has just become louder is known by its spectrum, which is flat: the ratio of the geometric to the
# arithmetic mean of its bins is 0.44 or more for white and pink noise, and below 0.3 for most of a voice.
_NOISE_FLATNESS, _VOICE_FLATNESS = 0.45, 0.38

# The lowest level is looked for in levels that are smoothed over some 30 ms. Flatness is smoothed over 20 ms.
_SMOOTHING, _FLATNESS_SMOOTHING = 0.3, 0.5

# A knock fades away at once, and a voice grows: what has fallen by more than 6 dB within 80 ms is no start of one.
_FALL_DB, _FALL_BLOCKS = 6.0, 8


class SpeechScore:
    """Judges mono blocks of 10 ms at 16000 Hz, by the network of WebRTC's gain control and the level over the noise.

    An offset and hum are taken out first: the network takes a large offset for a voice, and does not know a voice on
    it.

    Raises:
        ImportError: pywebrtc-audio is not installed.
    """

    def __init__(self) -> None:
        import numpy as np
        from pywebrtc_audio import GainController

        self._high_pass = HighPass(RATE, 1)
        self._network = GainController(RATE, 1)
        self._window = np.hanning(2 * BLOCK)
        bins = np.arange(_LOW, _HIGH)
        self._tilt = np.sqrt(bins / bins.mean())
        self._recent = np.zeros(2 * BLOCK, np.int16)
        self._smooth: float | None = None
        self._flatness = 0.5
        self._num_ahead = 2
        self.num_loud = 0  # blocks in a row, to the last one, that are clearly louder than the noise
        self._levels: deque[float] = deque([0.0], maxlen=_FALL_BLOCKS)
        # The lowest level of each tenth of the memory, the last one being under way.
        self._lowest: deque[float] = deque([math.inf], maxlen=_PARTS)
        self._age = 0

    def process(self, block: NDArray[np.int16]) -> float:
        """Returns the probability of speech in the next block, 0 to 1."""
        block = block.copy()  # it may lie in the memory of a frame
        self._high_pass.process(block.data)
        self._network.process(block)
        level = self._measure(block)
        above = level - self._find_noise(level)
        self.num_loud = self.num_loud + 1 if above >= _VOICE_DB else 0
        louder = (above - _NOISE_DB) / (_VOICE_DB - _NOISE_DB)
        tonal = (_NOISE_FLATNESS - self._flatness) / (_NOISE_FLATNESS - _VOICE_FLATNESS)
        return self._network.speech_probability * max(0.0, min(1.0, louder, tonal))

    @property
    def is_falling(self) -> bool:
        """Whether the sound fades away too fast for the start of a voice."""
        return self._levels[-1] < max(self._levels) - _FALL_DB

    def _measure(self, block: NDArray[np.int16]) -> float:
        """Returns the level in dB over one step of int16, and finds how flat the spectrum is, 0 to 1."""
        import numpy as np

        self._recent[:BLOCK] = self._recent[BLOCK:]
        self._recent[BLOCK:] = block
        spectrum = np.fft.rfft(self._recent * self._window)[_LOW:_HIGH]
        power = (spectrum.real**2 + spectrum.imag**2) * self._tilt + 1e-3
        total = float(np.add.reduce(power))
        flatness = math.exp(float(np.add.reduce(np.log(power))) / _NUM_BINS) * _NUM_BINS / total
        self._flatness += _FLATNESS_SMOOTHING * (flatness - self._flatness)
        return 10 * math.log10(total / (2 * BLOCK * BLOCK) + 1)

    def _find_noise(self, level: float) -> float:
        """Returns the lowest level of the last 3 s."""
        self._levels.append(level)
        if self._num_ahead:  # the window is not full yet
            self._num_ahead -= 1
            return level
        if self._smooth is None:
            self._smooth = level
        self._smooth += _SMOOTHING * (level - self._smooth)
        if self._age == _MEMORY_BLOCKS // _PARTS:
            self._age = 0
            self._lowest.append(math.inf)
        self._age += 1
        self._lowest[-1] = min(self._lowest[-1], self._smooth)
        return min(self._lowest)
