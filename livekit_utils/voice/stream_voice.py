"""StreamVoice: the state of a VoiceProcessor for one stream."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, NamedTuple

from livekit_utils._runtime.arguments import check_int
from livekit_utils.voice.stage_chain import StageChain

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from livekit_utils.voice.stages import VoiceStages

# The high-pass filter and the conversion to a rate of WebRTC's stages work in this range, in Hz. At 48000 Hz and below,
# 16 channels are the most that the library takes.
_MIN_RATE, _MAX_RATE = 1000, 384_000
_MAX_CHANNELS = 16

# The format whose latency is told before the first frame.
_USUAL_RATE = 48000


class VoiceLevels(NamedTuple):
    """What was measured in the last second."""

    input_dbfs: float = -math.inf
    output_dbfs: float = -math.inf
    reduction_db: float = 0.0
    gain_db: float = 0.0
    speech_probability: float | None = None


class StreamVoice:
    """Processes the samples of one stream, of any format, which may change.

    Threads: any.
    """

    def __init__(self, stages: VoiceStages) -> None:
        self._stages = stages
        self._lock = threading.Lock()
        self._chain: StageChain | None = None
        self._of = -1
        # As they were when it was closed.
        self._levels = VoiceLevels()
        self._latency_ms: float | None = None

    def process(self, sample_rate: int, num_channels: int, samples: NDArray[np.int16], number: int) -> None:
        """Processes interleaved samples in place.

        Args:
            number: Whatever was left from a call with another number is dropped.

        Raises:
            ValueError: The rate or channel count is out of range.
        """
        if not len(samples):
            return  # whatever its format: the stages go on
        with self._lock:
            chain = self._chain
            if chain is None or (chain.sample_rate, chain.num_channels, self._of) != (
                sample_rate,
                num_channels,
                number,
            ):
                check_int("sample_rate", sample_rate, _MIN_RATE, _MAX_RATE)
                check_int("num_channels", num_channels, 1, _MAX_CHANNELS)
                chain = self._chain = StageChain(sample_rate, num_channels, self._stages, 0)
                self._of = number
            chain.process(samples)

    @property
    def latency_ms(self) -> float:
        """Time by which the output lags the input."""
        with self._lock:
            return self._find_latency()

    def _find_latency(self) -> float:
        if self._chain is not None:
            return self._chain.latency_ms
        if self._latency_ms is None:
            self._latency_ms = StageChain(_USUAL_RATE, 1, self._stages, 0).latency_ms
        return self._latency_ms

    def levels(self) -> VoiceLevels:
        """Returns what was measured in the last second, or in the last one before `close`."""
        with self._lock:
            return self._find_levels()

    def _find_levels(self) -> VoiceLevels:
        chain = self._chain
        if chain is None:
            return self._levels
        return VoiceLevels(
            chain.input_level_dbfs,
            chain.output_level_dbfs,
            chain.reduction_db,
            chain.gain_db,
            chain.speech_probability,
        )

    def close(self) -> None:
        """Frees the stages. What they have measured stays."""
        with self._lock:
            if self._chain is not None:
                self._levels, self._latency_ms = self._find_levels(), self._find_latency()
                self._chain = None
