"""VoiceProcessor: the stages of AudioProcessingModule for a stream of one format, block by block of 10 ms."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from livekit_utils._kernels.high_pass import HighPass
from livekit_utils._kernels.level import level_s16
from livekit_utils.voice.echo_delay import EchoDelay
from livekit_utils.voice.echo_reference import EchoReference
from livekit_utils.voice.stages import AudioProcessingModuleStats, Stages
from livekit_utils.voice.voice_enhancer import VoiceEnhancer, conversion_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pywebrtc_audio import AudioProcessor

    from livekit_utils.frames.audio_frame import AudioFrame

# Blocks of 10 ms.
_LEVEL_BLOCKS = 100
_QUIET_BLOCKS = 30

_FULL_SCALE = 32768
_LOWEST_DB = -100.0

# Below this a reference is silent, as to what is measured.
_ACTIVE_DB = -60.0

# The canceller takes what it hears first for the noise of the room, and fills in as much where it takes an echo away.
# Of an echo from the first sample on it would leave -25 dB and more for good; after 0.3 s of a quiet room (-76 dB)
# it is at -40 dB at once.
_QUIET_RMS = 5.0

# The overlap of the canceller's blocks.
_CANCELLER_MS = 8


class VoiceProcessor:
    """High-pass filter, then WebRTC's canceller, then its noise suppressor and gain control.

    The canceller is by itself, so that it keeps what it has learnt when other stages come and go, and so that its
    effect can be measured.
    """

    def __init__(
        self, sample_rate: int, num_channels: int, stages: Stages, delay_ms: int, reserve_ms: float = 0.0
    ) -> None:
        self.sample_rate = sample_rate
        self.num_channels = num_channels
        self.block_samples = sample_rate // 100 * num_channels
        # The library works on blocks of 10 ms, and there are none at 11025 or 22050 Hz: it is told 11000 and 22000, so
        # that every block is whole. What it hears is 0.2 % lower.
        self._nominal_rate = sample_rate // 100 * 100
        self._levels: deque[tuple[int, int, int]] = deque(maxlen=_LEVEL_BLOCKS)
        self._active: deque[tuple[int, int]] = deque(maxlen=_LEVEL_BLOCKS)
        self._active_energy = self.block_samples * _FULL_SCALE**2 * 10 ** (_ACTIVE_DB / 10)
        self._high_pass: HighPass | None = None
        self._canceller: AudioProcessor | None = None
        self._enhancer: VoiceEnhancer | None = None
        self._stages = Stages(False, False, False, False, 0, 0.0)
        self._speech: AudioProcessor | VoiceEnhancer | None = None
        self._reserve_ms = reserve_ms
        self.set_stages(stages, delay_ms)

    def set_stages(self, stages: Stages, delay_ms: int) -> None:
        """Stages that stay as they are keep what they know."""
        before, self._stages = self._stages, stages
        if stages.high_pass_filter != before.high_pass_filter:
            self._high_pass = HighPass(self.sample_rate, self.num_channels) if stages.high_pass_filter else None
        if stages.echo_cancellation != before.echo_cancellation:
            self._active.clear()
            self._canceller = None
            if stages.echo_cancellation:
                self._reference = EchoReference(self.sample_rate, self.num_channels)
                self._reference.reserve_ms = self._reserve_ms
                self._reference.set_delay_ms(delay_ms)
                self._echo_delay = EchoDelay(self.sample_rate, self.num_channels)
                self._canceller = self._make_canceller(round(delay_ms - self._reference.held_ms))
        if stages.of_enhancer() != before.of_enhancer():
            self._enhancer = None
            if stages.noise_suppression or stages.auto_gain_control:
                self._enhancer = VoiceEnhancer(self._nominal_rate, self.num_channels, stages)
        self._speech = None

    def _make_canceller(self, delay_ms: int) -> AudioProcessor:
        import numpy as np
        from pywebrtc_audio import AudioProcessor

        canceller = AudioProcessor(
            self._nominal_rate, self.num_channels, echo_cancellation=True, stream_delay_ms=max(0, delay_ms)
        )
        quiet = np.random.default_rng(0).normal(0, _QUIET_RMS, (_QUIET_BLOCKS, self.block_samples))
        silence = np.zeros(self.block_samples, np.int16)
        for block in quiet.astype(np.int16):
            canceller.process(block, silence)
        return canceller

    @property
    def latency_ms(self) -> float:
        latency = 0.0
        if self._canceller:
            latency += _CANCELLER_MS + conversion_ms(self._nominal_rate)
        if self._enhancer:
            latency += self._enhancer.latency_ms
        return latency

    def set_delay_ms(self, delay_ms: int) -> None:
        if self._canceller:
            self._reference.set_delay_ms(delay_ms)

    def set_reserve_ms(self, reserve_ms: float) -> None:
        self._reserve_ms = reserve_ms
        if self._canceller:
            self._reference.reserve_ms = reserve_ms

    def push_reference(self, frame: AudioFrame) -> None:
        if self._canceller:
            self._reference.push(frame)

    def process(self, samples: NDArray[np.int16]) -> None:
        """Changes `block_samples` samples in place."""
        energy_in = level_s16(samples.data)[1]
        if self._high_pass:
            self._high_pass.process(samples.data)
        energy_far = 0
        if self._canceller:
            energy_far = self._cancel(samples, self._canceller)
        if self._enhancer:
            samples[:] = self._enhancer.process(samples)
            self._speech = self._enhancer
        self._levels.append((energy_in, energy_far, level_s16(samples.data)[1]))

    def _cancel(self, samples: NDArray[np.int16], canceller: AudioProcessor) -> int:
        import numpy as np

        far = np.frombuffer(self._reference.pop(self.block_samples // self.num_channels), np.int16)
        self._echo_delay.push(samples, far)
        clean = canceller.process(samples, far)
        self._speech = canceller
        energy_far = level_s16(far.data)[1]
        if energy_far >= self._active_energy:
            self._active.append((level_s16(samples.data)[1], level_s16(clean.data)[1]))
        samples[:] = clean
        return energy_far

    def stats(self) -> AudioProcessingModuleStats:
        ms = 1000 / self.sample_rate
        reference = self._reference if self._canceller else None
        delay_ms = self._echo_delay.estimate_ms() if reference else None
        return AudioProcessingModuleStats(
            input_level_db=self._level_db(0),
            output_level_db=self._level_db(2),
            reference_level_db=self._level_db(1),
            erle_db=self._erle_db(),
            echo_delay_ms=None if reference is None or delay_ms is None else delay_ms + reference.held_ms,
            speech_probability=self._speech.speech_probability if self._speech else None,
            gain_db=self._enhancer.gain_db if self._enhancer else 0.0,
            reference_queued_ms=reference.num_queued * ms if reference else 0.0,
            reference_missing_ms=reference.num_missing * ms if reference else 0.0,
            reference_dropped_ms=reference.num_dropped * ms if reference else 0.0,
            latency_ms=self.latency_ms,
        )

    def _level_db(self, which: int) -> float:
        energy = sum(block[which] for block in self._levels)
        if not energy:
            return _LOWEST_DB
        mean = energy / (len(self._levels) * self.block_samples)
        return max(_LOWEST_DB, 10 * math.log10(mean / _FULL_SCALE**2))

    def _erle_db(self) -> float | None:
        if not self._active:
            return None
        before, after = (sum(energies) for energies in zip(*self._active, strict=True))
        return 10 * math.log10(max(before, 1) / max(after, 1))
