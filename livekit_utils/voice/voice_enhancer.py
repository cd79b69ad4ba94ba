"""VoiceEnhancer: suppresses noise and controls gain, with WebRTC's stages."""

from __future__ import annotations

import math
from collections import deque
from functools import cache
from typing import TYPE_CHECKING

from livekit_utils._kernels.give_back import GiveBack
from livekit_utils._kernels.level import level_s16
from livekit_utils.conversion.engines import AudioResamplerQuality, PolyphaseEngine
from livekit_utils.voice.speech_blend import SpeechBlend

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pywebrtc_audio import GainController, NoiseSuppressor

    from livekit_utils.voice.stages import VoiceStages

# Rates in Hz that the library's stages take. Sound of another rate is converted to the next higher one here, and back:
# the library's own way for other rates suppresses noise by 6 to 10 dB only, at every level, above 16000 Hz.
_NATIVE_RATES = (16000, 32000, 48000)

# Delay of the suppressor by the overlap of its blocks.
_SUPPRESSOR_MS = 6

# Delay of the low-pass of `GiveBack` at low frequencies.
_LOW_PASS_MS = 1000 / (2 * math.pi * 1500)

# Levels are measured over 1 s: 100 blocks of 10 ms.
_LEVEL_BLOCKS = 100


class VoiceEnhancer:
    """Processes interleaved blocks of 10 ms. At least one of the two stages must be switched on.

    Args:
        sample_rate: A multiple of 100 Hz.
    """

    def __init__(self, sample_rate: int, num_channels: int, stages: VoiceStages) -> None:
        from pywebrtc_audio import GainController, NoiseSuppressor

        rate = min((rate for rate in _NATIVE_RATES if rate >= sample_rate), default=_NATIVE_RATES[-1])
        self._suppressor: NoiseSuppressor | None = None
        self._blend: SpeechBlend | None = None
        self._give_back: GiveBack | None = None
        self._gain: GainController | None = None
        self._energies: deque[tuple[int, int]] = deque(maxlen=_LEVEL_BLOCKS)  # before and after the suppressor
        self._conversion = ThereAndBack(sample_rate, rate, num_channels) if rate != sample_rate else None
        self.latency_ms = self._conversion.latency_ms if self._conversion else 0.0
        if stages.noise_suppression:
            self._suppressor = NoiseSuppressor(rate, num_channels, level=stages.noise_suppression_level)
            delay_ms = conversion_ms(rate) + _SUPPRESSOR_MS
            self.latency_ms += delay_ms
            if stages.keep_speech:
                self._blend = SpeechBlend(rate, num_channels, round(delay_ms * rate / 1000))
            elif stages.noise_suppression_level > 0:  # level 0 halves noise at most, and so takes little of a voice
                delay = round((delay_ms - _LOW_PASS_MS) * rate / 1000)
                self._give_back = GiveBack(rate, num_channels, rate // 100, delay)
        if stages.auto_gain_control:
            self._gain = GainController(rate, num_channels, max_gain_db=stages.max_gain_db)

    def process(self, samples: NDArray[np.int16], is_silent: bool) -> NDArray[np.int16]:
        """Returns the processed block.

        Args:
            is_silent: The microphone gave digital silence, in which there is no speech, whatever the stages say.
        """
        if self._conversion:
            samples = self._conversion.there(samples)
        if self._suppressor:
            given = samples
            samples = self._suppressor.process(given)
            if self._blend:
                samples = self._blend.process(given, samples)
                self._energies.append((level_s16(given.data)[1], level_s16(samples.data)[1]))
            elif self._give_back:
                self._give_back.process(given.data, samples.data)
        if self._gain:
            probability = 0.0 if is_silent else self.speech_probability if self._suppressor else None
            samples = self._gain.process(samples, probability)
        if self._conversion:
            samples = self._conversion.back(samples)
        return samples

    @property
    def speech_probability(self) -> float:
        """The probability of speech in the last block, 0 to 1."""
        if self._blend:
            return self._blend.probability
        stage = self._suppressor or self._gain
        assert stage is not None
        return stage.speech_probability

    @property
    def reduction_db(self) -> float:
        """How much the suppressor has lowered the last second, where it keeps speech; 0 without it, and in silence."""
        before, after = (sum(energies) for energies in zip(*self._energies, strict=True)) if self._energies else (0, 0)
        return 10 * math.log10(before / max(after, 1)) if before else 0.0

    @property
    def gain_db(self) -> float:
        """The gain of the gain control now; 0 without it."""
        return self._gain.gain_db if self._gain else 0.0


class ThereAndBack:
    """Converts blocks of 10 ms to another rate, and back; every block comes out whole.

    A resampler needs some input after an output. It is given as many zeros first: that is the delay.
    """

    def __init__(self, sample_rate: int, other_rate: int, num_channels: int) -> None:
        import numpy as np

        self._frombuffer, self._int16 = np.frombuffer, np.int16
        quality = AudioResamplerQuality.MEDIUM
        self._there = PolyphaseEngine(sample_rate, other_rate, num_channels, quality)
        self._back = PolyphaseEngine(other_rate, sample_rate, num_channels, quality)
        self.latency_ms = 0.0
        for engine, rate in ((self._there, sample_rate), (self._back, other_rate)):
            engine.process(engine.padding(engine.samples_held))
            self.latency_ms += 1000 * engine.samples_held / rate

    def there(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        return self._frombuffer(self._there.process(samples.data), self._int16)

    def back(self, samples: NDArray[np.int16]) -> NDArray[np.int16]:
        return self._frombuffer(self._back.process(samples.data), self._int16)


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
