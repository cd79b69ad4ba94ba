"""VoiceEnhancer: suppresses noise and controls gain, with WebRTC's stages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pywebrtc_audio import AudioProcessor, GainController, NoiseSuppressor

    from livekit_utils.voice.stages import VoiceStages

# Rates in Hz that the library's single stages take. Its combined processor takes any rate, but above 16000 Hz it
# suppresses noise by 6 to 10 dB only, at every level.
_NATIVE_RATES = (16000, 32000, 48000)

# Delay of the suppressor by the overlap of its blocks.
_SUPPRESSOR_MS = 6


class VoiceEnhancer:
    """Processes interleaved blocks of 10 ms. At least one of the two stages must be switched on."""

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
        """Returns the processed block."""
        if self._both:
            return self._both.process(samples)
        if self._suppressor:
            samples = self._suppressor.process(samples)
        if self._gain:
            samples = self._gain.process(samples, self._suppressor.speech_probability if self._suppressor else None)
        return samples

    @property
    def speech_probability(self) -> float:
        """The probability of speech in the last block, 0 to 1."""
        stage = self._both or self._suppressor or self._gain
        assert stage is not None
        return stage.speech_probability

    @property
    def gain_db(self) -> float:
        """The gain of the gain control now; 0 without it."""
        stage = self._both or self._gain
        return stage.gain_db if stage and self._has_gain else 0.0


@cache
def conversion_ms(sample_rate: int) -> float:
    """Returns the delay of WebRTC's resampling and of its split into bands. It is measured with an impulse."""
    import numpy as np
    from pywebrtc_audio import AudioProcessor

    size = sample_rate // 100
    blocks = np.zeros((10, size), np.int16)
    blocks[4, 0] = 10000
    processor = AudioProcessor(sample_rate)
    out = np.concatenate([processor.process(block) for block in blocks])
    return (int(np.argmax(np.abs(out))) - 4 * size) / sample_rate * 1000
