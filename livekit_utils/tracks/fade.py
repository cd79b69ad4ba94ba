"""Fade: audio on its way to silence."""

from __future__ import annotations

from livekit_utils.frames.audio_frame import AudioFrame
from livekit_utils.mixing.mix_input import MixInput, mix_inputs


class Fade:
    """Lowers audio to silence in a straight line, over as many samples as it is told to."""

    def __init__(self) -> None:
        self._ramp: MixInput | None = None
        self.num_left = 0
        """Samples per channel that are still to be faded; 0 when there is no fade."""

    def begin(self, num_samples: int, num_channels: int) -> None:
        """The next samples fade out; from where an earlier fade has come to, which this one replaces."""
        if self._ramp is None:
            self._ramp = MixInput(num_channels)
        self._ramp.set_gain(0.0, num_samples)
        self.num_left = num_samples

    def end(self) -> None:
        self._ramp = None
        self.num_left = 0

    def apply(self, frame: AudioFrame) -> AudioFrame:
        """The next samples, at most `num_left`, faded."""
        assert self._ramp is not None
        num_samples = frame.samples_per_channel
        self._ramp.push(frame)
        faded = mix_inputs([self._ramp], num_samples, frame.num_channels)
        self.num_left -= num_samples
        if not self.num_left:
            self.end()
        return AudioFrame(faded, frame.sample_rate, frame.num_channels, num_samples)
