"""Canceller: WebRTC's echo canceller, which looks for speech only when it is asked."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CANCELLER_RATE = 16000
"""Rate in Hz at which the canceller works."""

# The search for speech learns the noise from the last 3 s, if it is not asked more often: 300 blocks of 10 ms.
_KEPT_BLOCKS = 300


class Canceller:
    """Cancels the echo in blocks of 10 ms, at 16000 Hz.

    Speech takes a tenth of the canceller's time to find, and is seldom asked for. So the output is kept, and looked at
    when it is.

    Args:
        num_channels: Channels of the microphone and of the reference.
        delay_ms: Delay of the echo, as far as it is known; 0 if it is not.
    """

    def __init__(self, num_channels: int, delay_ms: int) -> None:
        from pywebrtc_audio import EchoCanceller, VoiceDetector

        self._canceller = EchoCanceller(CANCELLER_RATE, num_channels, stream_delay_ms=delay_ms)
        self._detector = VoiceDetector(CANCELLER_RATE, num_channels)
        self._unseen: deque[NDArray[np.int16]] = deque(maxlen=_KEPT_BLOCKS)

    def process(self, samples: NDArray[np.int16], far: NDArray[np.int16]) -> NDArray[np.int16]:
        """Returns the block without its echo, 8 ms later."""
        out: NDArray[np.int16] = self._canceller.process(samples, far)
        self._unseen.append(out)
        return out

    @property
    def speech_probability(self) -> float:
        """The probability of speech in the last block, 0 to 1. It takes up to 2 ms to find."""
        while self._unseen:
            self._detector.process(self._unseen.popleft())
        return self._detector.speech_probability
