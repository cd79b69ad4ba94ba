"""SpeechBlend: gives a voice back what a noise suppressor takes from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit_utils._kernels.channels import downmix_s16
from livekit_utils.conversion.engines import AudioResamplerQuality, PolyphaseEngine
from livekit_utils.voice.blocks import Blocks
from livekit_utils.voice.speech_score import BLOCK, RATE, SpeechScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# While somebody speaks, so much of the sound is as it was before the suppressor. More of it is hardly less loss of
# speech, and less is more of it: docs/decisions has the figures.
_SHARE = 0.8

# The share rises within a block, and falls by as much of itself per block: by a half in 14 ms, so that the noise behind
# a word is short, and the end of the word whole.
_FALL = 0.4


class SpeechBlend:
    """Mixes blocks of 10 ms before and after a suppressor: in pauses the second, and mostly the first in speech.

    Args:
        sample_rate: 16000, 32000 or 48000 Hz.
        delay: Samples by which the suppressor's output lags its input.
    """

    def __init__(self, sample_rate: int, num_channels: int, delay: int) -> None:
        import numpy as np

        self._num_channels = num_channels
        self._delayed = np.zeros(delay * num_channels, np.int16)
        self._score = SpeechScore()
        self._blocks = Blocks(BLOCK)
        self._resampler: PolyphaseEngine | None = None
        if sample_rate != RATE:
            self._resampler = PolyphaseEngine(sample_rate, RATE, 1, AudioResamplerQuality.MEDIUM)
            self._resampler.process(self._resampler.padding(self._resampler.samples_held))
        self._rise = np.linspace(0, 1, sample_rate // 100 + 1, dtype=np.float32)[1:].repeat(num_channels)
        self._share = 0.0
        self.probability = 0.0  # of speech in the last block

    def process(self, before: NDArray[np.int16], after: NDArray[np.int16]) -> NDArray[np.int16]:
        """Returns the mixed block.

        Args:
            before: What the suppressor was given, which it is not to change later.
            after: What it returned for it.
        """
        import numpy as np

        last, share = self._share, self._next_share(before)
        both = np.concatenate([self._delayed, before])
        self._delayed = both[len(before) :]
        if not last and not share:
            return after
        shares = last + (share - last) * self._rise
        mixed = after + shares * (both[: len(before)].astype(np.float32) - after)
        return np.rint(mixed).astype(np.int16)

    def _next_share(self, samples: NDArray[np.int16]) -> float:
        mono = samples.data if self._num_channels == 1 else memoryview(downmix_s16(samples.data, self._num_channels))
        if self._resampler:
            mono = memoryview(self._resampler.process(mono))
        for block in self._blocks.push(mono):
            self.probability = self._score.process(block)
        share = _SHARE * self.probability
        if share < self._share:
            share = max(share, self._share * (1 - _FALL))
            if share < 0.01:
                share = 0.0
        self._share = share
        return share
