"""Ramp: a gain that moves in a straight line."""

from __future__ import annotations

from livekit_utils.mixing.mix_input import MixInput, mix_inputs


class Ramp:
    """Fades samples out, and in again, without steps.

    Args:
        num_channels: Of the interleaved samples.
    """

    def __init__(self, num_channels: int) -> None:
        self._num_channels = num_channels
        self._input = MixInput(num_channels)
        self.num_left = 0
        """Samples per channel until it has come to the gain that was asked for."""

    @property
    def gain(self) -> float:
        """The gain that it has come to, or leads to."""
        return self._input.gain

    def start(self, gain: float, num_frames: int) -> None:
        """Moves the gain over the next `num_frames` samples per channel; 0 jumps."""
        self._input.set_gain(gain, num_frames)
        self.num_left = num_frames

    def apply(self, samples: bytes, num_frames: int) -> bytes:
        self._input.push(samples)
        self.num_left = max(0, self.num_left - num_frames)
        return bytes(mix_inputs([self._input], num_frames, self._num_channels))
