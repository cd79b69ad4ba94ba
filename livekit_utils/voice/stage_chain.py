"""StageChain: runs the stages of voice processing on a stream of one format."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

from livekit_utils._kernels.denormals import call_flushed
from livekit_utils._kernels.high_pass import HighPass
from livekit_utils._kernels.level import level_s16
from livekit_utils.frames.audio_frame import AudioFrame, as_audio_frame, make_writable
from livekit_utils.voice.canceller import CANCELLER_RATE, Canceller
from livekit_utils.voice.comfort_noise import ComfortNoise
from livekit_utils.voice.echo_delay import EchoDelay
from livekit_utils.voice.echo_reference import EchoReference
from livekit_utils.voice.low_band_canceller import LowBandCanceller
from livekit_utils.voice.reblocker import Reblocker
from livekit_utils.voice.stages import AudioProcessingModuleStats, VoiceStages
from livekit_utils.voice.voice_enhancer import VoiceEnhancer, conversion_ms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pywebrtc_audio import AudioProcessor

    AnyCanceller = AudioProcessor | Canceller | LowBandCanceller


# Levels are measured over 1 s: 100 blocks of 10 ms.
_LEVEL_BLOCKS = 100

_FULL_SCALE = 32768

# A block of the reference below -60 dBFS does not count as sound when the ERLE is measured.
_ACTIVE_DBFS = -60.0

# The canceller is given 0.3 s of a quiet room first (noise of -76 dBFS). It takes the first sound that it hears for the
# noise of the room, and fills in as much where it removes an echo: an echo from the first sample on would be lowered by
# some 25 dB only, for good; after the quiet room it is lowered by 40 dB at once. From then on it takes the room for as
# quiet as that, so `ComfortNoise` fills in what is missing.
_QUIET_BLOCKS = 30
_QUIET_RMS = 5.0

# Delay of the canceller by the overlap of its blocks.
_CANCELLER_MS = 8


class StageChain:
    """Applies a high-pass filter, WebRTC's echo canceller, and its noise suppressor and gain control, in this order.

    The canceller is an object of its own, so that it keeps its estimate of the room when other stages are switched, and
    so that its effect can be measured.

    Args:
        sample_rate, num_channels: Format of the microphone.
        delay_ms: Delay of the echo, as far as it is known; 0 if it is not.
        reserve_ms: See `EchoReference.reserve_ms`.
    """

    def __init__(
        self, sample_rate: int, num_channels: int, stages: VoiceStages, delay_ms: int, reserve_ms: float = 0.0
    ) -> None:
        import numpy as np

        self._frombuffer, self._int16 = np.frombuffer, np.int16
        self.sample_rate = sample_rate
        self.num_channels = num_channels
        self._samples_per_channel = sample_rate // 100  # of a block of 10 ms
        self._num_values = self._samples_per_channel * num_channels
        # The library works on blocks of 10 ms, and there are none at 11025 or 22050 Hz. It is told 11000 and 22000, so
        # that every block is whole; it takes the sound for 0.2 % lower.
        self._nominal_rate = self._samples_per_channel * 100
        self._levels: deque[tuple[int, int, int]] = deque(maxlen=_LEVEL_BLOCKS)
        self._active: deque[tuple[int, int]] = deque(maxlen=_LEVEL_BLOCKS)
        self._active_energy = self._num_values * _FULL_SCALE**2 * 10 ** (_ACTIVE_DBFS / 10)
        self._reblocker: Reblocker | None = None  # from the first piece on that is not a multiple of 10 ms
        self._high_pass: HighPass | None = None
        self._canceller: AnyCanceller | None = None
        self._enhancer: VoiceEnhancer | None = None
        self._stages = VoiceStages()
        self._speech: AnyCanceller | VoiceEnhancer | None = None
        self._reserve_ms = reserve_ms
        self.set_stages(stages, delay_ms)

    def set_stages(self, stages: VoiceStages, delay_ms: int) -> None:
        """Switches stages; those that stay as they are keep their state."""
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
                self._jumps = 0
                self._comfort_noise = ComfortNoise(self._samples_per_channel, self.num_channels)
                self._echo_delay = EchoDelay(self.sample_rate, self.num_channels)
                self._canceller = self._make_canceller(round(delay_ms - self._reference.held_ms))
        if stages.of_enhancer() != before.of_enhancer():
            self._enhancer = None
            if stages.has_enhancer:
                self._enhancer = VoiceEnhancer(self._nominal_rate, self.num_channels, stages)
        self._speech = None

    def _make_canceller(self, delay_ms: int) -> AnyCanceller:
        import numpy as np
        from pywebrtc_audio import AudioProcessor

        rate, delay_ms = min(self._nominal_rate, CANCELLER_RATE), max(0, delay_ms)
        canceller: AudioProcessor | Canceller
        if rate == CANCELLER_RATE:
            canceller = Canceller(self.num_channels, delay_ms)
        else:  # the library converts
            canceller = AudioProcessor(rate, self.num_channels, echo_cancellation=True, stream_delay_ms=delay_ms)
        num_values = rate // 100 * self.num_channels
        # Of noise at the microphone's rate, so much lies in the canceller's band.
        quiet_rms = _QUIET_RMS * math.sqrt(rate / self._nominal_rate)
        quiet = np.random.default_rng(0).normal(0, quiet_rms, (_QUIET_BLOCKS, num_values))
        silence = np.zeros(num_values, np.int16)
        for block in quiet.astype(np.int16):
            canceller.process(block, silence)
        if isinstance(canceller, Canceller) and self._nominal_rate > CANCELLER_RATE:
            return LowBandCanceller(self._nominal_rate, self.num_channels, canceller, self._comfort_noise)
        return canceller

    def set_delay_ms(self, delay_ms: int, reserve_ms: float) -> None:
        """Tells the canceller the delay of the echo."""
        self._reserve_ms = reserve_ms
        if self._canceller:
            self._reference.reserve_ms = reserve_ms
            self._reference.set_delay_ms(delay_ms)

    def push_reference(self, frame: AudioFrame) -> None:
        """Gives the canceller sound of the speaker."""
        if self._canceller:
            self._reference.push(frame)

    def process(self, samples: NDArray[np.int16]) -> None:
        """Processes interleaved samples of the microphone in place, of any length."""
        size = self._num_values
        if self._reblocker is None:
            if len(samples) % size == 0:
                for start in range(0, len(samples), size):
                    self._process_block(samples[start : start + size])
                return
            self._reblocker = Reblocker(size, self._process_block)
        self._reblocker.apply(samples)

    def _process_block(self, samples: NDArray[np.int16]) -> None:
        view = samples.data
        energy_in = level_s16(view)[1]
        if self._high_pass:
            self._high_pass.process(view)
        energy_far = 0
        if self._canceller:
            energy_far = self._cancel(samples, self._canceller)
        if self._enhancer:
            samples[:] = self._enhancer.process(samples, energy_in == 0)
            self._speech = self._enhancer
        self._levels.append((energy_in, energy_far, level_s16(view)[1]))

    def _cancel(self, samples: NDArray[np.int16], canceller: AnyCanceller) -> int:
        """Removes the echo from a block; returns the energy of its reference."""
        played = self._reference.pop(self._samples_per_channel)
        far = self._frombuffer(played, self._int16)
        if self._jumps != self._reference.jumps:
            self._jumps = self._reference.jumps
            self._comfort_noise.forget_echo()
        view = samples.data
        self._echo_delay.push(view, played)
        # Its filters die away in each pause of the reference, and denormal numbers make it five times as slow.
        clean = call_flushed(canceller.process, samples, far)
        cleaned = clean.data
        energy_far = level_s16(played)[1]
        self._comfort_noise.process(view, played, cleaned, energy_far == 0)
        self._speech = canceller
        if energy_far >= self._active_energy:
            self._active.append((level_s16(view)[1], level_s16(cleaned)[1]))
        view[:] = cleaned
        return energy_far

    @property
    def latency_ms(self) -> float:
        """Time by which the output lags the input."""
        latency = 0.0
        if self._canceller:
            is_split = self._nominal_rate > CANCELLER_RATE
            latency += LowBandCanceller.latency_ms if is_split else _CANCELLER_MS + conversion_ms(self._nominal_rate)
        if self._enhancer:
            latency += self._enhancer.latency_ms
        if self._reblocker:
            latency += 1000 * self._samples_per_channel / self.sample_rate
        return latency

    def stats(self) -> AudioProcessingModuleStats:
        """Returns the measurements of `AudioProcessingModule.stats`."""
        ms = 1000 / self.sample_rate
        reference = self._reference if self._canceller else None
        delay_ms = self._echo_delay.estimate_ms() if reference else None
        return AudioProcessingModuleStats(
            input_level_dbfs=self.input_level_dbfs,
            output_level_dbfs=self.output_level_dbfs,
            reference_level_dbfs=self._level_dbfs(1),
            erle_db=self._erle_db(),
            echo_delay_ms=None if reference is None or delay_ms is None else delay_ms + reference.held_ms,
            speech_probability=self.speech_probability,
            gain_db=self.gain_db,
            reference_queued_ms=reference.queued * ms if reference else 0.0,
            reference_missing_ms=reference.missing * ms if reference else 0.0,
            reference_dropped_ms=reference.dropped * ms if reference else 0.0,
            latency_ms=self.latency_ms,
        )

    @property
    def input_level_dbfs(self) -> float:
        """Level before processing, over the last second."""
        return self._level_dbfs(0)

    @property
    def output_level_dbfs(self) -> float:
        """Level after processing, over the last second."""
        return self._level_dbfs(2)

    @property
    def reduction_db(self) -> float:
        """How much the noise suppressor has lowered the last second; 0 without it, and in silence."""
        return self._enhancer.reduction_db if self._enhancer else 0.0

    @property
    def gain_db(self) -> float:
        """The gain of the gain control now; 0 without it."""
        return self._enhancer.gain_db if self._enhancer else 0.0

    @property
    def speech_probability(self) -> float | None:
        """The probability of speech in the last block; None if no stage that tells it has processed one."""
        if self._speech is None:
            return None
        # Of digital silence the library says 0.45: it has not seen enough to decide.
        return self._speech.speech_probability if self._levels[-1][0] else 0.0

    def _level_dbfs(self, which: int) -> float:
        energy = sum(block[which] for block in self._levels)
        if not energy:
            return -math.inf
        mean = energy / (len(self._levels) * self._num_values)
        return 10 * math.log10(mean / _FULL_SCALE**2)

    def _erle_db(self) -> float | None:
        if not self._active:
            return None
        before, after = (sum(energies) for energies in zip(*self._active, strict=True))
        return 10 * math.log10(max(before, 1) / max(after, 1))


def writable(name: str, frame: Any) -> tuple[AudioFrame, NDArray[np.int16]]:
    """Returns the frame, or a frame of ours over the memory of another one's, and its samples as a writable array."""
    import numpy as np

    view = frame
    if isinstance(frame, AudioFrame):
        make_writable(frame)
    else:
        view = as_audio_frame(frame)
        if view.data.readonly:
            if not hasattr(frame, "_data"):
                raise ValueError(f"{name}: expected writable data, got a {type(frame).__name__} with read-only data")
            # The SDK's frame keeps its samples there, and does the same for itself.
            frame._data = bytearray(view.data)
            view = as_audio_frame(frame)
    samples = np.frombuffer(view.data, np.int16) if view.samples_per_channel else np.empty(0, np.int16)
    return view, samples
