"""VoiceEnhancer: noise suppression and gain control, by WebRTC."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pywebrtc_audio import AudioProcessor, GainController, NoiseSuppressor

    from livekit_utils.voice.stages import VoiceStages

# The rates that the library's single stages take. Its combined processor takes any, but suppresses noise by no more
# than some 6 to 10 dB where the rate is above 16000 Hz, whatever the level.
_NATIVE_RATES = (16000, 32000, 48000)

# The overlap of the suppressor's blocks.
_SUPPRESSOR_MS = 6


class VoiceEnhancer:
    """Blocks of 10 ms, interleaved. At least one of the two must be asked for."""

    def __init__(self, sample_rate: int, num_channels: int, stages: VoiceStages) -> None:
        from pywebrtc_audio import AudioProcessor, GainController, NoiseSuppressor

        self._suppressor: NoiseSuppressor | None = None
        self._gain: GainController | None = None
        self._both: AudioProcessor | None = None
        self.latency_ms = 0.0
        if sample_rate in _NATIVE_RATES:
            if stages.noise_suppression:
                self._suppressor = NoiseSuppressor(sample_rate, num_channels, level=stages.noise_suppression_level)
                self.latency_ms = conversion_ms(sample_rate) + _SUPPRESSOR_MS
            if stages.auto_gain_control:
                self._gain = GainController(sample_rate, num_channels, max_gain_db=stages.max_gain_db)
        else:
            self._both = AudioProcessor(
                sample_rate,
                num_channels,
                noise_suppression=stages.noise_suppression,
                auto_gain_control=stages.auto_gain_control,
                ns_level=stages.noise_suppression_level,
                agc_max_gain_db=stages.max_gain_db,
            )
            self.latency_ms = conversion_ms(sample_rate) + _SUPPRESSOR_MS * stages.noise_suppression
        self._has_gain = stages.auto_gain_control

    def process(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        if self._both:
            return self._both.process(samples)
        if self._suppressor:
            samples = self._suppressor.process(samples)
        if self._gain:
            samples = self._gain.process(samples, self._suppressor.speech_probability if self._suppressor else None)
        return samples

    @property
    def speech_probability(self) -> float:
        """Of the last block."""
        stage = self._both or self._suppressor or self._gain
        assert stage is not None
        return stage.speech_probability

    @property
    def gain_db(self) -> float:
        stage = self._both or self._gain
        return stage.gain_db if stage and self._has_gain else 0.0


@cache
def conversion_ms(sample_rate: int) -> float:
    """What resampling to a rate of WebRTC's and splitting into bands takes, by where an impulse comes out."""
    import numpy as np
    from pywebrtc_audio import AudioProcessor

    size = sample_rate // 100
    blocks = np.zeros((10, size), np.int16)
    blocks[4, 0] = 10000
    processor = AudioProcessor(sample_rate)
    out = np.concatenate([processor.process(block) for block in blocks])
    return (int(np.argmax(np.abs(out))) - 4 * size) / sample_rate * 1000
